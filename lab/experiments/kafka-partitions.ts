import { type Guarantees, guaranteeCard } from '../part.ts'
import { openPartClient } from '../parts/client.ts'
import { watchPart } from '../parts/index.ts'
import { ledgerCheck, ledgerOf } from '../parts/ledger.ts'
import { bulkRecords, ORDER_EVENTS } from '../parts/streaming-kafka.ts'
import { openKafkaProbe } from '../probes/kafka.ts'
import { counted } from '../report/number.ts'
import { type RunningTrio, stockEnv } from '../trio.ts'
import {
  type Chart,
  type Check,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Table,
  voidingCheck,
} from './experiment.ts'
import { countTopics, placeBulk, untilCounted } from './kafka-counts.ts'
import { remarkOn, repeated, rotated, spread } from './repeated.ts'

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

type Measured = Awaited<ReturnType<typeof measure>>

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params } = context
  const measured: Measured[] = []
  for (let repetition = 0; repetition < params.repetitions; repetition++) {
    for (const partitions of rotated(params.partitions, repetition)) {
      measured.push(await measure(context, partitions))
    }
  }
  const settings = params.partitions.map((partitions) => settingOf(partitions, measured))
  return {
    checks: measured.flatMap(checksOf),
    tables: [
      guaranteeCard(
        settings.map(({ partitions, guarantees }) => ({
          name: counted(partitions, 'partition'),
          guarantees,
        })),
      ),
      tableOf(settings, params),
    ],
    charts: [chartOf(settings, measured.length)],
    reading: readingOf(settings),
    data: Object.fromEntries(
      settings.map(({ partitions, produced, completed }) => [
        `partitions_${partitions}`,
        { produced_per_second: produced, completed_per_second: completed },
      ]),
    ),
  }
}

async function measure(context: ExperimentContext<Params>, partitions: number) {
  const { params, signal, progress } = context
  const warmUpOrders = Math.ceil(params.orders / 10)
  const each = 2 * (params.orders + warmUpOrders)
  const initial = { burger: each, pizza: each, salad: each }
  const env = { ...stockEnv(initial), PARTITIONS: String(partitions) }
  const part: RunningTrio = await context.start({ env })
  try {
    await using client = openPartClient(part, signal)
    await using probe = await openKafkaProbe(part.kafka!)
    await using watch = await watchPart({ part, client, signal })
    const counting = { signal, progress, timeoutMs: 300_000 }
    const warm = await placeBulk(client, warmUpOrders)
    await untilCounted(client, warm.accepted, counting)

    progress(`${counted(partitions, 'partition')}: ${params.orders} orders in bulk`)
    const startedAt = performance.now()
    const bulk = await placeBulk(client, params.orders)
    await untilCounted(client, warm.accepted + bulk.accepted, counting)
    const seconds = (performance.now() - startedAt) / 1_000

    await watch.settled(60_000)
    const log = await countTopics(probe, signal)
    const lag = await probe.lag('inventory-group', ORDER_EVENTS)
    return {
      partitions,
      owners: (await probe.groupState('inventory-group')).members,
      held: lag.length,
      accepted: warm.accepted + bulk.accepted,
      inLog: log.orders,
      produced: bulk.accepted / bulk.seconds,
      completed: bulk.accepted / seconds,
      guarantees: await watch.card(),
      ledger: ledgerCheck(
        '',
        await ledgerOf(part, { histories: [warm, bulk].map((each) => bulkRecords(each)), initial, signal }),
      ),
    }
  } finally {
    await part.close()
  }
}

interface Setting {
  partitions: number
  produced: NonNullable<ReturnType<typeof repeated>>
  completed: NonNullable<ReturnType<typeof repeated>>
  owners: number
  guarantees: Guarantees
}

function settingOf(partitions: number, measured: Measured[]): Setting {
  const own = measured.filter((one) => one.partitions === partitions)
  return {
    partitions,
    produced: repeated(own.map(({ produced }) => produced))!,
    completed: repeated(own.map(({ completed }) => completed))!,
    owners: Math.max(...own.map(({ owners }) => owners)),
    guarantees: own[0]!.guarantees,
  }
}

const checksOf = ({ partitions, held, owners, accepted, inLog, ledger }: Measured): Check[] => [
  check(
    `${counted(partitions, 'partition')}: one inventory process owns them all`,
    held === partitions && owners === 1,
    `${counted(held, 'partition')}, ${counted(owners, 'member')} in the group`,
  ),
  voidingCheck(
    `${counted(partitions, 'partition')}: the log has every acknowledged order, none is lost`,
    accepted === inLog,
    `${accepted} acknowledged, ${inLog} in the log`,
  ),
  { ...ledger, name: `${counted(partitions, 'partition')}: ${ledger.name}` },
]

const rounded = (value: number) => String(Math.round(value))

const tableOf = (settings: Setting[], { orders, repetitions }: Params): Table => ({
  title: `Bulk of ${orders} orders, ${repetitions === 1 ? 'one run each' : `median of ${repetitions} runs (range)`}`,
  columns: [
    'partitions',
    'inventory processes that decide',
    'acknowledged by the log, orders/s',
    'decided and counted, orders/s',
  ],
  rows: settings.map(({ partitions, owners, produced, completed }) => [
    partitions,
    owners,
    spread(produced, rounded),
    spread(completed, rounded),
  ]),
})

const chartOf = (settings: Setting[], n: number): Chart => ({
  title: 'Throughput by partitions (median of the runs)',
  x: { label: 'size of the topic', unit: 'partitions', scale: 'log' },
  y: { label: 'throughput', unit: 'orders/s', scale: 'linear' },
  series: (['produced', 'completed'] as const).map((name) => ({
    name,
    means: 'streaming-kafka',
    n,
    points: settings.map((setting): [number, number] => [
      setting.partitions,
      Math.round(setting[name].median),
    ]),
  })),
})

function readingOf(settings: Setting[]): string[] {
  const [first, last] = [settings[0]!, settings.at(-1)!]
  const compare = (what: 'produced' | 'completed', verb: string) => {
    const factor = (last[what].median / first[what].median).toFixed(2)
    return `${verb} ${factor} times as fast with ${last.partitions} as with ${first.partitions} (${remarkOn(first[what], last[what])})`
  }
  const owners = Math.max(...settings.map((setting) => setting.owners))
  return [
    `Orders are ${compare('produced', 'acknowledged')} and ${compare('completed', 'decided')}.`,
    `However many partitions there were, ${owners === 1 ? 'one process' : `${owners} processes`} decided all of them: the stock has one owner, so partitions spread the log and not the deciding.`,
  ]
}
