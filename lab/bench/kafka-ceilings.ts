import { until } from '@lab/kit/wait.ts'
import { withAdmin } from '@lab/stack/kafka-admin.ts'
import type { KafkaTool } from '@lab/stack/kafka-tools.ts'
import { AnalyticsReport } from '../experiments/kafka-counts.ts'
import { openKafkaProbe, type TopicRecord } from '../probes/kafka.ts'
import { alternate, type Comparison, type Contestant, type Measure, type Question } from './alternate.ts'
import { bareKafka } from './bare/kafka.ts'
import { BenchInvalid } from './bench.ts'
import { auditPart, itself, type MeasuredPart, type MeasuringOptions } from './measured-part.ts'

const TARGET = 0.5
const TOOLS = 'org.apache.kafka.tools'
const TOPIC = 'producer-ceiling'
const LAB_TOPICS = ['order-events', 'inventory-events']
/** kafka-producer-perf-test and kafka-consumer-perf-test are scripts around these classes. */
const PRODUCER = 'producer tool'
const CONSUMER = 'consumer tool'
const REPLAY_MS = 5 * 60_000

export interface CeilingsOptions extends MeasuringOptions {
  /** How far the cost per order is followed; also the most that a round sends. */
  orders: number
  rounds: number
  /** Kafka's own tools; asked for only when they are needed. */
  kafkaTools: () => Promise<KafkaTool>
}

/** What one comparison of the part with its ceilings is given. */
export interface Comparing {
  options: CeilingsOptions
  part: MeasuredPart
  orders: number
  opened: AsyncDisposableStack
}

/** The bulk against the producer tool, the replay against the consumer tool. */
export async function compareKafka(comparing: Comparing): Promise<Comparison[]> {
  const tool = await comparing.options.kafkaTools()
  const bulks = await compareBulk(tool, comparing)
  return [...bulks, ...(await compareReplay(tool, comparing))]
}

/**
 * The tool writes to a topic that nobody reads, so like is held against like while the consumers are held; with them at work,
 * as it is in life, all share the processors. kafkajs by itself says how much of the way the library and our codec allow.
 */
async function compareBulk(tool: KafkaTool, { options, part, orders }: Comparing): Promise<Comparison[]> {
  const { rounds, progress, session } = options
  const { recordBytes, partitions } = await layoutOf(part, orders, session.signal)
  const { brokers, prefix } = part.part.kafka!
  const topic = `${prefix}${TOPIC}`
  await withAdmin(brokers, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: partitions }] }))
  const bulk = itself(part, orders)
  const held: Contestant = { name: `${part.name}, consumers held`, round: () => bulkAlone(part, orders) }
  const alone = bareKafka({ kind: 'produce', brokers, topic, records: orders, recordBytes }, session.signal)
  const ceiling: Measure = [PRODUCER, 'records']
  return alternate({
    contestants: [producerTool(tool, { part, orders, recordBytes }), ...alone, bulk, held],
    questions: [
      { name: 'bulk acceptance, consumers held', ours: [held.name, 'accepted'], ceiling, target: TARGET },
      { name: 'bulk acceptance, consumers at work', ours: [bulk.name, 'accepted'], ceiling },
      ...alone.map(({ name }): Question => ({ name, ours: [name, 'records'], ceiling })),
    ],
    rounds,
    progress,
  })
}

async function compareReplay(tool: KafkaTool, { options, part }: Comparing): Promise<Comparison[]> {
  const { rounds, progress, session } = options
  const { records } = await replayOnce(part)
  const replay: Contestant = {
    name: 'analytics reset-offsets',
    round: async () => ({ records: (await replayOnce(part)).perSecond }),
  }
  const reader = consumerTool(tool, part, records)
  const topics = topicsOf(part)
  const { brokers, prefix } = part.part.kafka!
  const alone = bareKafka({ kind: 'consume', brokers, prefix, topics, records }, session.signal)
  const ceiling: Measure = [reader.name, 'records']
  return alternate({
    contestants: [reader, ...alone, replay],
    questions: [
      { name: 'replay', ours: [replay.name, 'records'], ceiling, target: TARGET },
      ...alone.map(({ name }): Question => ({ name, ours: [name, 'records'], ceiling })),
    ],
    rounds,
    progress,
  })
}

/** The mean size of our records, headers and key included, and how many partitions they are spread over. */
async function layoutOf(part: MeasuredPart, orders: number, signal: AbortSignal) {
  await itself(part, Math.min(orders, 1_000)).round()
  await using probe = await openKafkaProbe(part.part.kafka!)
  const records = await probe.readAll('order-events', { signal })
  const { partitions } = await probe.layout('order-events')
  const bytes = records.reduce((sum, record) => sum + sizeOf(record), 0)
  return { recordBytes: Math.round(bytes / records.length), partitions }
}

const sizeOf = ({ key, value, headers }: TopicRecord): number =>
  Buffer.byteLength(key ?? '') +
  (value?.length ?? 0) +
  Object.entries(headers).reduce(
    (sum, [name, text]) => sum + name.length + Buffer.byteLength(String(text)),
    0,
  )

const topicsOf = (part: MeasuredPart) => LAB_TOPICS.map((topic) => `${part.part.kafka!.prefix}${topic}`)

const bootstrap = (part: MeasuredPart) => ['--bootstrap-server', part.part.kafka!.brokers.join(',')]

interface Producing {
  part: MeasuredPart
  orders: number
  recordBytes: number
}

/** Its first records, while the Java machine compiles, are not in its rate: the services are warm too. */
function producerTool(tool: KafkaTool, { part, orders, recordBytes }: Producing): Contestant {
  const warmup = Math.ceil(orders / 2)
  const total = orders + warmup
  const topic = `${part.part.kafka!.prefix}${TOPIC}`
  const args = ['--topic', topic, '--record-size', recordBytes, '--num-records', total, '--throughput', -1]
  const more = ['--warmup-records', warmup, '--command-property', 'acks=all']
  return {
    name: PRODUCER,
    round: async () => {
      const all = [...bootstrap(part), ...args, ...more].map(String)
      const figures = parseProducerTool(await tool(`${TOOLS}.ProducerPerformance`, all))
      if (figures.records !== total) throw new BenchInvalid(`${PRODUCER} sent ${figures.records} of ${total}`)
      return { records: figures.perSecond }
    },
  }
}

/** It reads the very records that the replay reads. */
function consumerTool(tool: KafkaTool, part: MeasuredPart, records: number): Contestant {
  const args = [...bootstrap(part), '--include', topicsOf(part).join('|'), '--num-records', String(records)]
  return {
    name: CONSUMER,
    round: async () => {
      const figures = parseConsumerTool(await tool(`${TOOLS}.ConsumerPerformance`, args))
      if (figures.records < records)
        throw new BenchInvalid(`${CONSUMER} read ${figures.records} of ${records}`)
      return { records: figures.perSecond }
    },
  }
}

/** The bulk without anybody who reads it meanwhile, as the tool has it; what waited is then handled and audited. */
async function bulkAlone(part: MeasuredPart, orders: number) {
  const consumers = [part.part.inventory, part.part.third]
  const completed = await part.drive.follow()
  for (const consumer of consumers) consumer.pause()
  const report = await part.load.run(part.drive.request(orders)).finally(() => {
    for (const consumer of consumers) consumer.resume()
  })
  part.note(report)
  await completed({ report, total: part.sent.accepted })
  await auditPart(part)
  return { accepted: (report.accepted / report.elapsedMs) * 1_000 }
}

async function replayOnce({ client, sent, options }: MeasuredPart) {
  const startedAt = performance.now()
  await client.command('third', '/admin/reset-offsets', undefined)
  const caughtUp = async () => {
    const report = AnalyticsReport.parse(await client.read('third', '/metrics'))
    return !report.replay.replaying && report
  }
  const { signal } = options.session
  const wait = { what: 'the replay to catch up', timeoutMs: REPLAY_MS, everyMs: 25, signal }
  const { replay, orders_total, reserved_total } = await until(caughtUp, wait)
  if (orders_total !== sent.accepted || reserved_total !== sent.accepted) {
    throw new BenchInvalid(
      `after the replay analytics counts ${orders_total} orders and ${reserved_total} reserved of ${sent.accepted}`,
    )
  }
  const { processed: records } = replay
  return { records, perSecond: (records / (performance.now() - startedAt)) * 1_000 }
}

/** What one run of a tool came to. */
interface ToolFigures {
  records: number
  perSecond: number
}

const SUMMARY = /^(\d+)( steady state)? records sent, ([\d.]+) records\/sec/gm

/**
 * Of `ProducerPerformance`: the last summary without warm-up when it printed one, else the last of all, which is that of
 * the whole run; earlier ones are of its reporting intervals. `records` counts the whole run.
 */
export function parseProducerTool(output: string): ToolFigures {
  const summaries = [...output.matchAll(SUMMARY)]
  const steady = summaries.findLast(([, , isSteady]) => isSteady)
  const whole = summaries.findLast(([, , isSteady]) => !isSteady)
  return readable('kafka-producer-perf-test', output, [whole?.[1], (steady ?? whole)?.[3]])
}

/**
 * Of `ConsumerPerformance`: a header that names the columns, then a line of figures. The rate is the one of fetching,
 * without the time it took to join the group; times hold commas in no format the tool uses, so a comma parts columns.
 */
export function parseConsumerTool(output: string): ToolFigures {
  const rows = output.split('\n').map((line) => line.split(',').map((cell) => cell.trim()))
  const header = rows.findIndex((cells) => cells.includes('fetch.nMsg.sec'))
  const columns = rows[header] ?? []
  const figures = rows.slice(header + 1).findLast((cells) => cells.length === columns.length)
  const cells = ['data.consumed.in.nMsg', 'fetch.nMsg.sec'].map((name) => figures?.[columns.indexOf(name)])
  return readable('kafka-consumer-perf-test', output, cells)
}

/** The tools run in the locale C. A run too short for their clock prints NaN or Infinity. */
function readable(tool: string, output: string, figures: (string | undefined)[]): ToolFigures {
  const [records = 0, perSecond = 0] = figures.map(Number)
  if (records > 0 && perSecond > 0 && perSecond < Infinity) return { records, perSecond }
  throw new Error(
    `${tool} printed no figures that can be read. The end of what it printed:\n${output.slice(-1_000)}`,
  )
}
