import type { ExperimentContext } from '../experiments/experiment.ts'
import { brokerFor, type TrioName } from '../trio.ts'

type Brokers = Pick<ExperimentContext<unknown>, 'rabbit' | 'kafka'>

export async function brokerOf(brokers: Brokers, part: TrioName) {
  const { rabbit, kafka } = await brokerFor(part, brokers)
  return rabbit ?? kafka
}

/** A fault that ended badly leaves a broker dead or stalled: it runs again after this, for the next cell. */
export async function ensureBroker(brokers: Brokers, part: TrioName): Promise<void> {
  const control = (await brokerOf(brokers, part))?.control
  await control?.resume()
  await control?.start()
}
