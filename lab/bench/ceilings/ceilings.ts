import type { TrioName } from '../../trio.ts'
import { BenchInvalid } from '../invalid.ts'
import { measureFlatness } from './flatness.ts'
import { compareKafka } from './kafka-questions.ts'
import { type CeilingsOptions, type Comparing, openMeasuredPart } from './measured-part.ts'
import { compareAmqp, compareHttp } from './part-questions.ts'
import { profileRound } from './profile-round.ts'
import type { Comparison, PartCeilings } from './results.ts'

/** Some five to ten seconds of a machine with two processors. */
const ROUND_ORDERS: Record<TrioName, number> = {
  'sync-rest': 10_000,
  'async-rabbitmq': 10_000,
  'streaming-kafka': 50_000,
}

const compare: Record<TrioName, (comparing: Comparing) => Promise<Comparison[]>> = {
  'sync-rest': compareHttp,
  'async-rabbitmq': compareAmqp,
  'streaming-kafka': compareKafka,
}

/** Every phase starts the part anew. An unbalanced ledger ends the measurement: what was taken before it is kept. */
export async function measureCeilings(options: CeilingsOptions): Promise<PartCeilings> {
  const orders = Math.min(ROUND_ORDERS[options.part], options.orders)
  const result: PartCeilings = {
    part: options.part,
    round_orders: orders,
    comparisons: [],
    profiles: [],
    valid: false,
    ledger: [],
  }
  try {
    result.comparisons = await measureRatios(options, orders)
    result.flatness = await followCost(options)
    result.profiles = await profileRound(options, orders)
    result.valid = true
  } catch (err) {
    if (!(err instanceof BenchInvalid)) throw err
    result.ledger = err.message.split('\n')
  }
  return result
}

async function measureRatios(options: CeilingsOptions, orders: number): Promise<Comparison[]> {
  await using opened = new AsyncDisposableStack()
  const part = await openMeasuredPart(options, opened)
  return await compare[options.part]({ options, part, orders, opened })
}

async function followCost(options: CeilingsOptions) {
  await using opened = new AsyncDisposableStack()
  return await measureFlatness(await openMeasuredPart(options, opened), options.orders)
}
