import { CONTENT_TYPE } from '@lab/common/domain/events.ts'
import { within } from '@lab/kit/wait.ts'
import type { KafkaLog, LogRecord, Position } from '@lab/stack/kafka-log.ts'
import type { Admin, Producer } from 'kafkajs'
import {
  counter,
  type DeadLetter,
  envelopeOf,
  letterId,
  NotReplaceable,
  REDRIVE,
  REDRIVES,
  REPLACES,
  type Replacement,
} from './letter.ts'
import type { Fact, Place, Work } from './place.ts'

const DLT = 'order-events.dlt'
const DECISIONS = 'inventory-events'
/** Whose commit says that a record of the topic is dealt with. */
const READERS: Record<string, string> = {
  'order-events': 'inventory-group',
  'inventory-events': 'analytics-group',
}
const CALL_MS = 10_000
const CLIENT = 'dead-letter-desk'

export interface KafkaPlaceOptions {
  part: string
  brokers: string[]
  prefix: string
  /** Of the part's order service. */
  orderUrl: string
  /** Letters that were dealt with. The log keeps them, so this is all that tells. */
  isResolved: (id: string) => boolean
}

/**
 * The letters of `order-events.dlt`, read without a group. Kafka deletes no single record: a letter that was sent back or
 * discarded stays in the topic, and is resolved by what the audit says of it.
 */
export function kafkaPlace(options: KafkaPlaceOptions): Place {
  const { part, isResolved } = options
  const look: Place['look'] = (visit, limit = Number.POSITIVE_INFINITY) =>
    withLog(options, async (log) => {
      const nth = counter()
      let total = 0
      let isDone = false
      await readFrom(log, await startsOf(log, `${options.prefix}${DLT}`), (record) => {
        const letter = letterOf(record, options, nth)
        if (isResolved(letter.id)) return
        total++
        if (!isDone && total <= limit) isDone = visit(letter) === true
      })
      return total
    })
  return { part, look, count: () => look(() => true), open: () => openWork(options, look) }
}

async function withLog<Result>(
  { brokers }: KafkaPlaceOptions,
  work: (log: KafkaLog) => Promise<Result>,
): Promise<Result> {
  const { openKafkaLog } = await import('@lab/stack/kafka-log.ts')
  const log = openKafkaLog(brokers, CLIENT)
  try {
    return await work(log)
  } finally {
    await log.close()
  }
}

interface Range extends Position {
  end: number
}

/** Everything a topic holds now; nothing when there is no such topic yet. */
async function startsOf(log: KafkaLog, topic: string): Promise<Range[]> {
  if (!(await log.topics()).includes(topic)) return []
  return (await log.partitions([topic])).map(({ partition, start, end }) => {
    if (start === undefined || end === undefined) throw new Error(`${topic}/${partition} has no leader now`)
    return { topic, partition, offset: start, end }
  })
}

/** Hands over what is before each `end`, and answers where reading stopped. */
async function readFrom(
  log: KafkaLog,
  ranges: Range[],
  onRecord: (record: LogRecord) => void,
): Promise<Range[]> {
  let at = ranges
  for (;;) {
    const open = at.filter(({ offset, end }) => offset < end)
    if (open.length === 0) return at
    const { records, next } = await log.read(open)
    for (const record of records) onRecord(record)
    const moved = new Map(next.map((one) => [one.partition, one.offset]))
    // Behind an open transaction there is nothing to be read yet.
    if (open.every(({ partition, offset }) => moved.get(partition) === offset)) return at
    at = at.map((one) => ({ ...one, offset: moved.get(one.partition) ?? one.offset }))
  }
}

const ORIGIN = /^(origin_(topic|partition|offset)|reason|(key|value|headers)_cut_from)$/

function letterOf(
  { topic, partition, offset, timestamp, key, value, headers }: LogRecord,
  { part, prefix }: KafkaPlaceOptions,
  nth: (id: string) => number,
): DeadLetter {
  const { origin_topic, origin_partition, origin_offset, reason } = headers
  const body = value ?? Buffer.alloc(0)
  return {
    // Its time is the broker's: another cluster's letter at the same offset is another letter.
    id: letterId([part, topic, partition, offset, timestamp, headers], body, nth),
    part,
    origin: origin_topic,
    reason: reason ?? 'it does not say',
    diedAt: timestamp,
    // Poison is judged once; what fails for the moment is held in place and is no dead letter.
    attempts: 1,
    body,
    key,
    messageId: headers.ce_id,
    headers,
    properties: value === null ? { value: null } : {},
    at: `${topic.slice(prefix.length)}/${partition}/${offset}`,
    cameFrom: origin_topic && `${origin_topic}/${origin_partition}/${origin_offset}`,
  }
}

function messageOf({ key, headers, properties }: DeadLetter, replacement: Replacement) {
  const { body, event, replaces, redrives, token } = replacement
  const cut = Object.keys(headers).find((name) => /^(key|value|headers)_cut_from$/.test(name))
  if (cut && !event)
    throw new NotReplaceable(`it was too long and is cut (${cut}), so it cannot be sent as it was`)
  return {
    key: event?.subject ?? key ?? null,
    value: properties.value === null && !event ? null : body,
    headers: {
      ...Object.fromEntries(Object.entries(headers).filter(([name]) => !ORIGIN.test(name))),
      ...(event && { ce_id: event.id, ce_type: event.type, 'content-type': CONTENT_TYPE }),
      [REDRIVES]: String(redrives),
      [REDRIVE]: token,
      ...(replaces !== undefined && { [REPLACES]: replaces }),
    } as Record<string, string>,
  }
}

interface SentRecord {
  token: string
  topic: string
  partition: number
  offset: number
  order_id: string | undefined
  /** Whether the order had its decision before. */
  wasDecided: boolean
}

async function openWork(options: KafkaPlaceOptions, look: Place['look']): Promise<Work> {
  const { brokers, prefix, orderUrl } = options
  const [{ Kafka, logLevel, Partitioners }, { openKafkaLog }] = await Promise.all([
    import('kafkajs').then((kafkajs) => kafkajs.default),
    import('@lab/stack/kafka-log.ts'),
  ])
  const kafka = new Kafka({
    clientId: CLIENT,
    brokers,
    connectionTimeout: 3_000,
    requestTimeout: CALL_MS,
    logLevel: logLevel.NOTHING,
    retry: { retries: 3, initialRetryTime: 100 },
  })
  const admin = kafka.admin()
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  })
  const log = openKafkaLog(brokers, CLIENT)
  const close = async () => {
    const all = [admin.disconnect(), producer.disconnect(), log.close()]
    await within(Promise.allSettled(all), CALL_MS, 'Kafka to close').catch(() => {
      // Its sockets are left to their own time-outs.
    })
  }
  try {
    await within(Promise.all([admin.connect(), producer.connect()]), CALL_MS, 'Kafka to answer')
    const news = await openNews(log, prefix)
    const sent: SentRecord[] = []
    const facts = new Map<string, Fact>()
    return {
      take: async (ids, handle) => {
        const letters: DeadLetter[] = []
        await look((letter) => {
          if (ids.has(letter.id)) letters.push(letter)
          return letters.length === ids.size
        })
        for (const letter of letters) await handle(letter)
      },
      send: async (letter, replacement) => {
        const message = messageOf(letter, replacement)
        const order_id = orderOf(message.value)
        const wasDecided = await isDecided(orderUrl, order_id)
        const { partition, offset } = await produce(producer, `${prefix}${letter.origin}`, message)
        sent.push({
          token: replacement.token,
          topic: letter.origin!,
          partition,
          offset,
          order_id,
          wasDecided,
        })
      },
      facts: async () => {
        const open = sent.filter(({ token }) => !facts.has(token))
        const read = await readersAt(admin, prefix, new Set(open.map(({ topic }) => topic)))
        const dealtWith = open.filter(
          ({ topic, partition, offset }) => (read.get(`${topic}/${partition}`) ?? 0) > offset,
        )
        // Decision, dead letter and commit are one transaction: what this reads now is all there is of these.
        if (dealtWith.length > 0) await news.read()
        for (const record of dealtWith) {
          const fact = await factOf(record, news, orderUrl)
          if (fact) facts.set(record.token, fact)
        }
        return facts
      },
      [Symbol.asyncDispose]: close,
    }
  } catch (err) {
    await close()
    throw err
  }
}

const orderOf = (value: Buffer | null): string | undefined => {
  const { subject } = envelopeOf(value ?? '')
  return typeof subject === 'string' ? subject.toLowerCase() : undefined
}

async function produce(producer: Producer, topic: string, message: ReturnType<typeof messageOf>) {
  const sending = producer.send({ topic, acks: -1, messages: [message] })
  const [answer] = await within(sending, CALL_MS, `${topic} to acknowledge it`)
  if (answer?.baseOffset === undefined) throw new Error(`${topic} did not say where it is`)
  return { partition: answer.partition, offset: Number(answer.baseOffset) }
}

/** By `topic/partition`, up to where its reader has committed. */
async function readersAt(admin: Admin, prefix: string, topics: Set<string>): Promise<Map<string, number>> {
  const at = new Map<string, number>()
  for (const topic of topics) {
    const asked = { groupId: `${prefix}${READERS[topic]}`, topics: [`${prefix}${topic}`] }
    const found = await within(admin.fetchOffsets(asked), CALL_MS, `the offsets of ${asked.groupId}`)
    for (const { partition, offset } of found[0]?.partitions ?? [])
      at.set(`${topic}/${partition}`, Number(offset))
  }
  return at
}

interface News {
  read: () => Promise<void>
  /** By where the dead record was, why it died. */
  deaths: Map<string, string>
  /** By order, decisions that came since and that no record of ours has been credited with. */
  decisions: Map<string, string>
}

/** What is added to the dead letters and the decisions from now on. */
async function openNews(log: KafkaLog, prefix: string): Promise<News> {
  const topics = [DLT, DECISIONS].map((topic) => `${prefix}${topic}`)
  const news: News = { read: async () => {}, deaths: new Map(), decisions: new Map() }
  const at = new Map<string, Range[]>()
  for (const topic of topics) {
    const ranges = await startsOf(log, topic)
    at.set(
      topic,
      ranges.map((range) => ({ ...range, offset: range.end })),
    )
  }
  const onRecord = ({ topic, headers, value }: LogRecord) => {
    if (topic === topics[0]) {
      const { origin_topic, origin_partition, origin_offset, reason } = headers
      news.deaths.set(`${origin_topic}/${origin_partition}/${origin_offset}`, reason ?? '')
      return
    }
    const { subject, type } = envelopeOf(value ?? '')
    if (typeof subject === 'string') news.decisions.set(subject, String(type))
  }
  news.read = async () => {
    for (const topic of topics) {
      const ends = new Map((await startsOf(log, topic)).map(({ partition, end }) => [partition, end]))
      const ranges = (at.get(topic) ?? []).map((range) => ({
        ...range,
        end: ends.get(range.partition) ?? range.end,
      }))
      at.set(topic, await readFrom(log, ranges, onRecord))
    }
  }
  return news
}

async function factOf(record: SentRecord, news: News, orderUrl: string): Promise<Fact | undefined> {
  const { topic, partition, offset, order_id = '', wasDecided } = record
  const where = `${topic}/${partition}/${offset}`
  const death = news.deaths.get(where)
  if (death !== undefined) return { state: 'died-again', fact: `${DLT} has ${where}: ${death}` }
  const repeated = {
    state: 'repeated' as const,
    fact: `${READERS[topic]} has passed ${where}; the order was decided before`,
  }
  if (topic === 'order-events') {
    const decision = news.decisions.get(order_id)
    if (decision === undefined) return repeated
    // One decision an order: what else was sent about it repeats it.
    news.decisions.delete(order_id)
    return { state: 'effected', fact: `${DECISIONS} has ${decision} for it` }
  }
  if (wasDecided) return repeated
  if (!(await isDecided(orderUrl, order_id))) return undefined
  return { state: 'effected', fact: `${READERS[topic]} has passed ${where}, and the order is decided` }
}

async function isDecided(orderUrl: string, order_id: string | undefined): Promise<boolean> {
  if (order_id === undefined) return false
  try {
    const response = await fetch(new URL(`/orders/${encodeURIComponent(order_id)}`, orderUrl), {
      signal: AbortSignal.timeout(2_000),
    })
    const { status } = (await response.json()) as { status?: string }
    return response.ok && status !== 'placed'
  } catch {
    return false // not known: then the facts of the log alone decide
  }
}
