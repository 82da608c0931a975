import { join } from 'node:path'
import { startComposePart } from '@lab/stack/compose/part.ts'
import { describeUnderCompose, inRun } from '@lab/stack/fixtures/compose.ts'
import { test } from 'vitest'
import { parts } from '../../parts.ts'
import { runExperiment } from '../experiments/context.ts'
import { experiments, tour } from '../experiments/index.ts'
import { copyLogs, DEFAULT_RESULTS } from '../run/folder.ts'
import { expectHolds } from './expect-holds.ts'

/**
 * A part's experiments of the tour, or some others, against its own compose file: up, healthy, run, down, as the seed's `run_tests.sh` did. Skipped by
 * name where no Docker engine answers; the logs of one that fails are kept under `results/compose/`.
 */
export async function composeExperiments(part: string, names?: string[]): Promise<void> {
  const own = names
    ? experiments.filter(({ name }) => names.includes(name))
    : tour.filter((experiment) => experiment.part === part)

  await describeUnderCompose(parts.find(({ name }) => name === part)!, () => {
    test.for(own)('$name', (experiment, { signal }) =>
      inRun(async (run) => {
        let held = false
        try {
          const { checks } = await runExperiment({
            experiment,
            profile: 'quick',
            run,
            startPart: (spec, options) => startComposePart(spec, { ...options, processEnv: process.env }),
            progress: (text) => process.stderr.write(`${experiment.name}: ${text}\n`),
            signal,
          })
          held = checks.length > 0 && checks.every(({ holds }) => holds)
          expectHolds({ checks })
        } finally {
          if (!held) await copyLogs(run.path, join(DEFAULT_RESULTS, 'compose', experiment.name))
        }
      }),
    )
  })
}
