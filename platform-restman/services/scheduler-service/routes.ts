import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { z } from 'zod'
import type { Db } from '../../shared/db/db.ts'
import { access, identityOf } from '../../shared/identity/guard.ts'
import { ROLES_OF_PEOPLE } from '../../shared/identity/identity.ts'
import { ClosedDay, closedDay } from './close-days.ts'
import type { Lease } from './lease.ts'
import { type createRoads, Road } from './road.ts'
import type { Job, Runner } from './runner.ts'

const JobState = z
  .object({
    name: z.string(),
    about: z.string(),
    every_seconds: z.number(),
    ran_at: z.string().nullable(),
    took_ms: z.number().nullable(),
    result: z.string().nullable(),
  })
  .meta({ id: 'Job' })
const Jobs = z
  .object({ is_runner: z.boolean().describe('Whether this instance runs them'), jobs: z.array(JobState) })
  .meta({ id: 'Jobs' })
const Ran = z.object({ result: z.string() }).meta({ id: 'JobResult' })

export interface RouteDeps {
  db: Db
  runner: Runner
  lease: Lease
  jobs: Job[]
  roads: ReturnType<typeof createRoads>
}

export function schedulerRoutes({ db, runner, lease, jobs, roads }: RouteDeps): RoutePlugin {
  return async (app) => {
    const forAdmins = { tags: ['scheduler'], ...access(['admin']) }
    app.get(
      '/api/scheduler/jobs',
      { schema: { summary: 'Every job, and when it ran last', ...forAdmins, response: { 200: Jobs } } },
      async () => ({ is_runner: lease.isOurs(), jobs: await runner.states() }),
    )

    const job = z.object({ job: z.enum(jobs.map(({ name }) => name)) })
    app.post(
      '/api/scheduler/jobs/:job/run',
      { schema: { summary: 'Run a job now', ...forAdmins, params: job, response: { 200: Ran } } },
      async ({ params }) => {
        if (!lease.isOurs())
          throw new LabError('LAB_CONFLICT', 'Another instance has the lease and runs the jobs')
        return { result: await runner.run(jobs.find(({ name }) => name === params.job)!) }
      },
    )

    const day = z.object({ day: z.iso.date() })
    app.get(
      '/api/scheduler/days/:day',
      {
        schema: {
          summary: 'What a closed day came to, by restaurant',
          ...forAdmins,
          params: day,
          response: { 200: z.array(ClosedDay) },
        },
      },
      async ({ params }) => {
        const restaurants = await closedDay(db, params.day)
        if (!restaurants) throw new LabError('LAB_NOT_FOUND', `${params.day} is not closed`)
        return restaurants
      },
    )

    const params = z.object({ order_id: z.uuid() })
    app.get(
      '/api/scheduler/orders/:order_id/road',
      {
        schema: {
          summary: 'The events of an order with their times, and what its services know of it',
          tags: ['scheduler'],
          ...access(ROLES_OF_PEOPLE, { own: 'order' }),
          params,
          response: { 200: Road },
        },
      },
      async (request) => {
        const road = await roads.find(request.params.order_id, identityOf(request))
        if (!road)
          throw new LabError(
            'LAB_NOT_FOUND',
            `Order ${request.params.order_id} has not come to the scheduler`,
          )
        return road
      },
    )
  }
}
