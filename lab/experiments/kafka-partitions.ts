import { guaranteeCard } from '../part.ts'
import { ledgerCheck } from '../parts/ledger.ts'
import { ORDER_EVENTS } from '../parts/streaming-kafka.ts'
import { openKafkaProbe } from '../probes/kafka.ts'
import { counted } from '../report/number.ts'
import { ofEach } from '../trio.ts'
import { openBench } from './bench.ts'
import {
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  tableOf,
  voidingCheck,
} from './experiment.ts'
import { countTopics, placeBulk, untilCounted } from './kafka-counts.ts'
import { inTurns, remarkOn, repeated, runsOf, spread } from './repeated.ts'

interface Params extends Record<string, unknown> {
  partitions: number[]
  /** Orders of the bulk that is measured; a tenth of them go before it to warm up. */
  orders: number
  repetitions: number
}

export const kafkaPartitions = defineExperiment<Params>({
  name: 'kafka-partitions',
  part: 'streaming-kafka',
  question: 'What do more partitions buy when the stock has one owner, who holds all of them?',
  profiles: {
    quick: { partitions: [1, 6], orders: 1_000, repetitions: 1 },
    default: { partitions: [1, 3, 6, 12], orders: 10_000, repetitions: 3 },
    full: { partitions: [1, 3, 6, 12], orders: 50_000, repetitions: 5 },
  },
  run,
})

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { partitions, orders, repetitions } = context.params
  const measured = await inTurns(partitions, repetitions, (count) => measure(context, count))
  const settings = partitions.map((count) => {
    const own = measured.filter((one) => one.partitions === count)
    return {
      partitions: count,
      produced: repeated(own.map(({ produced }) => produced))!,
      completed: repeated(own.map(({ completed }) => completed))!,
      owners: Math.max(...own.map(({ owners }) => owners)),
      guarantees: own[0]!.guarantees,
    }
  })
  const [first, last] = [settings[0]!, settings.at(-1)!]
  const compared = (what: 'produced' | 'completed', verb: string) => {
    const factor = (last[what].median / first[what].median).toFixed(2)
    return `${verb} ${factor} times as fast with ${last.partitions} as with ${first.partitions} (${remarkOn(first[what], last[what])})`
  }
  const owners = Math.max(...settings.map((setting) => setting.owners))
  return {
    checks: measured.flatMap(({ checks }) => checks),
    tables: [
      guaranteeCard(
        settings.map((one) => ({ name: counted(one.partitions, 'partition'), guarantees: one.guarantees })),
      ),
      tableOf(`Bulk of ${orders} orders, ${runsOf(repetitions)}`, settings, [
        ['partitions', (one) => one.partitions],
        ['inventory processes that decide', (one) => one.owners],
        ['acknowledged by the log, orders/s', (one) => spread(one.produced, rounded)],
        ['decided and counted, orders/s', (one) => spread(one.completed, rounded)],
      ]),
    ],
    reading: [
      `Orders are ${compared('produced', 'acknowledged')} and ${compared('completed', 'decided')}.`,
      `However many partitions there were, ${owners === 1 ? 'one process' : `${owners} processes`} decided all of them: the stock has one owner, so partitions spread the log and not the deciding.`,
    ],
    data: Object.fromEntries(
      settings.map((one) => [
        `partitions_${one.partitions}`,
        { produced_per_second: one.produced, completed_per_second: one.completed },
      ]),
    ),
  }
}

const rounded = (value: number) => String(Math.round(value))

async function measure(context: ExperimentContext<Params>, partitions: number) {
  const { orders } = context.params
  const name = counted(partitions, 'partition')
  const warmUpOrders = Math.ceil(orders / 10)
  await using bench = await openBench(context, {
    stock: ofEach(2 * (orders + warmUpOrders)),
    env: { PARTITIONS: String(partitions) },
  })
  await using probe = await openKafkaProbe(bench.part.kafka!)
  const warm = await placeBulk(bench, warmUpOrders)
  await untilCounted(bench, warm.accepted, 300_000)

  context.progress(`${name}: ${orders} orders in bulk`)
  const startedAt = performance.now()
  const bulk = await placeBulk(bench, orders)
  const accepted = warm.accepted + bulk.accepted
  await untilCounted(bench, accepted, 300_000)
  const seconds = (performance.now() - startedAt) / 1_000

  await bench.watch.settled(60_000)
  const log = await countTopics(probe, context.signal)
  const held = (await probe.lag('inventory-group', ORDER_EVENTS)).length
  const ledger = ledgerCheck('', await bench.ledger())
  const { members: owners } = await probe.groupState('inventory-group')
  return {
    partitions,
    owners,
    produced: bulk.accepted / bulk.seconds,
    completed: bulk.accepted / seconds,
    guarantees: await bench.watch.card(),
    checks: [
      check(
        `${name}: one inventory process owns them all`,
        held === partitions && owners === 1,
        `${counted(held, 'partition')}, ${counted(owners, 'member')} in the group`,
      ),
      voidingCheck(
        `${name}: the log has every acknowledged order, none is lost`,
        accepted === log.orders,
        `${accepted} acknowledged, ${log.orders} in the log`,
      ),
      { ...ledger, name: `${name}: ${ledger.name}` },
    ],
  }
}
