import type { ExperimentContext } from '../experiments/experiment.ts'
import { type PartName, parts } from '../stack/parts.ts'

type Brokers = Pick<ExperimentContext<unknown>, 'rabbit' | 'kafka'>

export async function brokerOf({ rabbit, kafka }: Brokers, part: PartName) {
  const { broker } = parts[part]
  if (broker === 'rabbitmq') return rabbit()
  return broker === 'kafka' ? kafka() : undefined
}

/** A fault that ended badly leaves a broker dead or stalled: it runs again after this, for the next cell. */
export async function ensureBroker(brokers: Brokers, part: PartName): Promise<void> {
  const control = (await brokerOf(brokers, part))?.control
  await control?.resume()
  await control?.start()
}
