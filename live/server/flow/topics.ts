import { messageOf } from '@lab/kit/errors.ts'
import { pause } from '@lab/kit/wait.ts'
import type { KafkaLog, LogRecord, Position } from '@lab/stack/kafka-log.ts'
import { traceparentIn } from './traceparent.ts'
import { type Event, FLUSH_MS } from './tracker.ts'

const WAIT_MS = 500
const RETRY_MS = 1_000
/** Further behind than this, the reader goes on near the end: the figures count, the picture shows a part. */
const MAX_BEHIND = 2_000
const REJOIN_AT = 200
const RESEARCH_MS = 5_000

export interface TopicsOptions {
  lane: string
  log: KafkaLog
  prefix: string
  signal: AbortSignal
  note: (event: Event) => void
  /** A record of `inventory-events`, which the third service has read once it has committed behind it. */
  onDecided: (order: string, at: Position) => void
}

const TOPICS = ['order-events', 'inventory-events', 'order-events.dlt']

/** Follows the lane's topics from their ends until `signal`, as a member of no group. */
export async function followTopics(options: TopicsOptions, onState: (state: string) => void): Promise<void> {
  const { log, prefix, signal } = options
  let positions: Position[] | undefined
  let lookedAt = 0
  while (!signal.aborted) {
    try {
      if (!positions || Date.now() - lookedAt > RESEARCH_MS) {
        const ends = await log.partitions(TOPICS.map((topic) => `${prefix}${topic}`))
        positions = ends.flatMap(({ topic, partition, end }) => {
          if (end === undefined) return []
          const at = positions?.find((one) => one.topic === topic && one.partition === partition)?.offset
          return [{ topic, partition, offset: nextFrom(at, end) }]
        })
        lookedAt = Date.now()
        onState('ok')
      }
      const askedAt = performance.now()
      const { records, next } = await log.read(positions, { waitMs: WAIT_MS })
      positions = next
      for (const record of records) noteRecord(record, options)
      // A full answer: the log runs ahead, and where its end is has to be known.
      if (records.length > 1_000) lookedAt = 0
      // Asked no more often than windows are told: each question costs the broker about the same.
      await pause(Math.max(0, FLUSH_MS - (performance.now() - askedAt)), signal)
    } catch (err) {
      if (signal.aborted) return
      onState(messageOf(err))
      positions = undefined
      await pause(RETRY_MS, signal)
    }
  }
}

/** Where to read on; near the end when the reader is too far behind, or the topic was made anew. */
const nextFrom = (at: number | undefined, end: number): number => {
  if (at === undefined || at > end) return end
  return end - at > MAX_BEHIND ? Math.max(0, end - REJOIN_AT) : at
}

function noteRecord(record: LogRecord, { lane, prefix, note, onDecided }: TopicsOptions): void {
  const topic = record.topic.slice(prefix.length)
  const where = `${topic}/${record.partition} at offset ${record.offset}`
  const order = record.key ?? record.headers.ce_id ?? where
  const messageId = record.headers.ce_id
  const traceparent = traceparentIn(record.value)
  const common = {
    lane,
    order,
    at: record.timestamp,
    source: 'Kafka',
    ...(messageId !== undefined && { messageId }),
    ...(traceparent !== undefined && { traceparent }),
  }
  if (topic === 'order-events.dlt') {
    const { reason } = record.headers
    note({
      ...common,
      what: `its record is a dead letter, ${where}`,
      mark: 'dead',
      stop: 5,
      ...(reason && { detail: reason }),
    })
    return
  }
  const type = record.headers.ce_type ?? 'a record'
  const isDecision = topic === 'inventory-events'
  const failed = type === 'InventoryFailed'
  note({
    ...common,
    what: `${type} in ${where}`,
    mark: failed ? 'failed' : '',
    stop: isDecision ? (failed ? 5 : 3) : 1,
  })
  if (isDecision) onDecided(order, { topic, partition: record.partition, offset: record.offset })
}
