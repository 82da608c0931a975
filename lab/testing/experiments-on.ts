import { localContext, localObstacle } from '@lab/stack/fixtures/lab.ts'
import { openRunDir, type RunDir } from '@lab/stack/run-dir.ts'
import { type ServerName, type Servers, startServer } from '@lab/stack/servers/index.ts'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { runExperiment } from '../experiments/context.ts'
import type { Experiment } from '../experiments/experiment.ts'
import { expectHolds } from './expect-holds.ts'

/**
 * Experiments that do harm to their servers, in their quick profile, on servers of their own. Skipped by name where one of
 * the servers cannot be had.
 */
export async function experimentsOn(
  names: readonly ServerName[],
  title: string,
  experiments: readonly Experiment[],
): Promise<void> {
  const obstacles = await Promise.all(names.map((name) => localObstacle(name)))
  const obstacle = obstacles.find((one) => one !== undefined)

  describe.skipIf(obstacle)(obstacle ? `${title} (${obstacle})` : title, () => {
    let run: RunDir
    let servers: Servers

    beforeAll(async () => {
      run = await openRunDir()
      const started = names.map(async (name) => [name, await startServer(name, localContext(run))])
      servers = Object.fromEntries(await Promise.all(started))
    })
    afterAll(() => run?.close())

    test.each([...experiments])('$name', { timeout: 240_000 }, async (experiment) => {
      const outcome = await runExperiment({
        experiment,
        profile: 'quick',
        run,
        server: async <Name extends ServerName>(name: Name) => servers[name],
        progress: () => {},
        signal: AbortSignal.timeout(230_000),
      })
      expectHolds(outcome)
    })
  })
}
