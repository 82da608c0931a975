import type { RoutePlugin } from '@lab/kit/http.ts'
import { z } from 'zod'
import { access } from '../identity/guard.ts'
import type { Db } from './db.ts'

const Clean = z.strictObject({ older_than_hours: z.number().min(1).max(87_600) }).meta({ id: 'Clean' })
const Cleaned = z.record(z.string(), z.int()).meta({ id: 'Cleaned' })

/** Forgets the events that were published, and those that were heard, longer ago. Repeatable. */
export async function cleanEvents(db: Db, hours: number): Promise<{ outbox: number; inbox: number }> {
  const older = `< now() - $1::float8 * interval '1 hour'`
  const outbox = await db.query(`delete from outbox where published_at ${older} returning id`, [hours])
  const inbox = await db.query(`delete from inbox where handled_at ${older} returning event_id`, [hours])
  return { outbox: outbox.length, inbox: inbox.length }
}

/** `POST /maintenance/clean`, for the scheduler. `more` forgets what else of the service is over, and counts it. */
export function maintenanceRoutes(
  db: Db,
  more: (hours: number) => Promise<Record<string, number>> = async () => ({}),
): RoutePlugin {
  return async (app) => {
    app.post(
      '/maintenance/clean',
      {
        schema: {
          summary: 'Forget what was told and heard long ago',
          tags: ['service'],
          ...access(['service']),
          body: Clean,
          response: { 200: Cleaned },
        },
      },
      async ({ body: { older_than_hours } }) => ({
        ...(await cleanEvents(db, older_than_hours)),
        ...(await more(older_than_hours)),
      }),
    )
  }
}
