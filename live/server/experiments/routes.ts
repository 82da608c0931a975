import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { z } from 'zod'
import type { Experiments } from '../../wire/experiments.ts'
import type { Recorder } from '../recorder.ts'
import { openResults } from './results.ts'
import { createRunner } from './runner.ts'

export interface ExperimentsDeps {
  /** Where the lab is, and how it finds what it needs; undefined where experiments cannot be run. */
  lab: { root: string; results: string; env: NodeJS.ProcessEnv } | undefined
  recorder: Recorder
}

/** A page of figures and text: it runs nothing, loads nothing, and is nobody's origin. */
const REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"

const Start = z.strictObject({ experiment: z.string(), predicted: z.string().max(1_000).default('') })
const Run = z.object({ id: z.string().regex(/^[\w.-]{1,100}$/) })

/** The tab of experiments: what can be asked of the lab, what was found, and one run at a time from here. */
export function experimentRoutes({ lab, recorder }: ExperimentsDeps): RoutePlugin {
  const runner = lab && createRunner({ ...lab, show: (run) => recorder.publish('experiment', run) })
  const results = openResults(lab?.results ?? '')
  const requireRunner = () => {
    if (runner) return runner
    throw new LabError('LAB_CONFLICT', OBSTACLE)
  }
  return async (app) => {
    app.addHook('preClose', async () => runner?.stop())

    const about = (summary: string) => ({ summary, tags: ['live'] })
    app.get(
      '/api/experiments',
      { schema: about('The experiments, and what runs of them found') },
      async () => {
        return {
          obstacle: runner ? null : OBSTACLE,
          experiments: runner ? await runner.list() : [],
          runs: lab ? await results.runs() : [],
          current: runner?.current ?? null,
        } satisfies Experiments
      },
    )
    const one = { ...about('What one run found'), params: Run }
    app.get('/api/experiments/runs/:id', { schema: one }, ({ params }) => results.figures(params.id))
    app.get('/reports/:id', { schema: { hide: true, params: Run } }, async ({ params }, reply) =>
      reply
        .headers({ 'content-security-policy': REPORT_POLICY, 'x-content-type-options': 'nosniff' })
        .type('text/html; charset=utf-8')
        .serializer(String)
        .send(await results.report(params.id)),
    )

    const start = { ...about('Runs an experiment in its quick profile'), body: Start }
    app.post('/admin/experiments', { schema: start }, async ({ body }, reply) =>
      reply.code(202).send(await requireRunner().start(body.experiment, body.predicted)),
    )
    app.post(
      '/admin/experiments/stop',
      { schema: about('Ends the run that is under way') },
      async (_request, reply) => {
        void requireRunner().stop()
        return reply.code(202).send({})
      },
    )
  }
}

const OBSTACLE = 'Experiments are run from the page where `npm run lab -- up` has started it'
