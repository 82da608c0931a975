import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runExperiment } from '../experiments/context.ts'
import { tour } from '../experiments/index.ts'
import { copyLogs, DEFAULT_RESULTS } from '../report/results-folder.ts'
import { engineAnswers } from '../stack/brokers/docker-engine.ts'
import { startComposePart } from '../stack/compose/part.ts'
import type { PartName } from '../stack/parts.ts'
import { openRunDir } from '../stack/run-dir.ts'

const TIMEOUT_MS = 300_000

/**
 * A part's experiments against its own compose file: up, healthy, run, down, as the seed's `run_tests.sh` did. Skipped by
 * name where no Docker engine answers; the logs of one that fails are kept under `results/compose/`.
 */
export async function composeExperiments(part: PartName): Promise<void> {
  const hasEngine = await engineAnswers(process.env)
  const own = tour.filter((experiment) => experiment.part === part)
  const name = `${part} under docker compose${hasEngine ? '' : ' (no Docker engine answers)'}`

  describe.skipIf(!hasEngine)(name, () => {
    test.each(own)('$name', { timeout: TIMEOUT_MS }, async (experiment) => {
      const run = await openRunDir({ env: process.env })
      onTestFinished(() => run.close())
      let held = false
      try {
        const { checks } = await runExperiment({
          experiment,
          profile: 'quick',
          run,
          brokers: { rabbit: noBroker, kafka: noBroker },
          startPart: (name, options) => startComposePart(name, { ...options, processEnv: process.env }),
          progress: (text) => process.stderr.write(`${experiment.name}: ${text}\n`),
          signal: new AbortController().signal,
        })
        held = checks.length > 0 && checks.every(({ holds }) => holds)
        expect(checks).not.toEqual([])
        for (const { name, holds, detail } of checks) expect.soft(holds, `${name}: ${detail}`).toBe(true)
      } finally {
        if (!held) await copyLogs(run.path, join(DEFAULT_RESULTS, 'compose', experiment.name))
      }
    })
  })
}

async function noBroker(): Promise<never> {
  throw new Error('the compose file brings its own broker')
}
