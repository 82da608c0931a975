import { runExperiment } from '../experiments/context.ts'
import type { Experiment, ProfileName } from '../experiments/experiment.ts'
import { expectHolds } from './expect-holds.ts'
import { joinRunDir } from './join-run-dir.ts'
import { sharedServer } from './shared-server.ts'

/**
 * Runs an experiment as the command line does, on the brokers of the test run, and expects each of its checks to hold;
 * a check that does not says what was seen. `signal` is the test's own: a test that times out stops the experiment.
 */
export async function runForTest(
  experiment: Experiment,
  profile: ProfileName,
  signal: AbortSignal,
): Promise<void> {
  const outcome = await runExperiment({
    experiment,
    profile,
    run: joinRunDir(),
    server: async (name) => sharedServer(name),
    progress: () => {},
    signal,
  })
  expectHolds(outcome)
}
