import { expect, inject } from 'vitest'
import { runExperiment } from '../experiments/context.ts'
import type { Experiment, ProfileName } from '../experiments/experiment.ts'
import { joinRunDir } from './join-run-dir.ts'

/**
 * Runs an experiment as the command line does, on the brokers of the test run, and expects each of its checks to hold;
 * a check that does not says what was seen. `signal` is the test's own: a test that times out stops the experiment.
 */
export async function runForTest(
  experiment: Experiment,
  profile: ProfileName,
  signal: AbortSignal,
): Promise<void> {
  // The test run owns the brokers: an experiment never closes one.
  const close = async () => {}
  const { checks } = await runExperiment({
    experiment,
    profile,
    run: joinRunDir(),
    brokers: {
      rabbit: async () => ({ ...inject('rabbit'), close }),
      kafka: async () => ({ ...inject('kafka'), close }),
    },
    progress: () => {},
    signal,
  })
  expect(checks).not.toEqual([])
  for (const { name, holds, detail } of checks) expect.soft(holds, `${name}: ${detail}`).toBe(true)
}
