import type { KafkaLog, LogRecord, Position } from '@lab/stack/kafka-log.ts'
import { z } from 'zod'
import type { KafkaRecord, KafkaRecords } from '../../wire/views.ts'

/** Longest search, in records and time; what was searched is said. */
const MAX_SEARCHED = 200_000
const SEARCH_MS = 6_000
const VALUE_CHARS = 16_384

const whole = z.coerce.number().int().min(0)

export const RecordsQuery = z
  .strictObject({
    part: z.string().max(100),
    topic: z.string().min(1).max(249),
    by: z.enum(['newest', 'offset', 'time', 'key']).default('newest'),
    partition: whole.optional().describe('This one alone; all without it'),
    offset: whole.optional().describe('Where to begin'),
    time: whole.optional().describe('Milliseconds since the epoch: records at least as new'),
    key: z.string().max(1_000).optional().describe('Records with this key: an order id'),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  })
  .superRefine((query, ctx) => {
    for (const name of ['offset', 'time', 'key'] as const)
      if (query.by === name && query[name] === undefined)
        ctx.addIssue({ code: 'custom', path: [name], message: `is needed to find records by ${name}` })
  })
export type RecordsQuery = z.infer<typeof RecordsQuery>

/**
 * Records of a topic, as a member of no group. By key the whole topic is searched, oldest first, up to a bound: a log has
 * no index of its keys.
 */
export async function browse(log: KafkaLog, topic: string, query: RecordsQuery): Promise<KafkaRecords> {
  const { by, limit, key } = query
  const facts = (await log.partitions([topic])).filter(
    ({ partition }) => query.partition === undefined || query.partition === partition,
  )
  const known = facts.flatMap(({ partition, start, end }) =>
    start === undefined || end === undefined ? [] : [{ topic, partition, start, end }],
  )
  const byTime = by === 'time' ? await log.offsetsAt(topic, query.time!) : []
  let positions: Position[] = known.map(({ partition, start, end }) => {
    const from = {
      newest: end - limit - 1,
      offset: query.offset ?? start,
      time: byTime.find((one) => one.partition === partition)?.offset ?? end,
      key: start,
    }[by]
    return { topic, partition, offset: Math.min(end, Math.max(start, from)) }
  })
  const ends = new Map(known.map(({ partition, end }) => [partition, end]))
  const found: LogRecord[] = []
  let searched = 0
  let isEnd = false
  for (const until = performance.now() + SEARCH_MS; performance.now() < until && searched < MAX_SEARCHED; ) {
    const open = positions.filter(({ partition, offset }) => offset < ends.get(partition)!)
    isEnd = open.length === 0
    if (isEnd || (by === 'key' && found.length >= limit)) break
    const { records, next } = await log.read(open)
    searched += records.length
    found.push(...(by === 'key' ? records.filter((record) => record.key === key) : records))
    // A full read of each partition is enough of what begins at a place.
    if (
      by !== 'key' &&
      next.every(({ partition, offset }) => isRead(found, partition, limit) || offset >= ends.get(partition)!)
    )
      break
    // Nothing but markers of transactions is left, which are no records.
    if (records.length === 0 && next.every(({ offset }, at) => offset === open[at]!.offset)) break
    positions = positions.map((at) => next.find(({ partition }) => partition === at.partition) ?? at)
  }
  const chosen = by === 'newest' ? newest(found, limit) : oldest(found, limit)
  return { records: chosen.map(shown), searched, hasMore: found.length > chosen.length || !isEnd }
}

const isRead = (found: readonly LogRecord[], partition: number, limit: number) =>
  found.filter((record) => record.partition === partition).length >= limit

const byTimestamp = (a: LogRecord, b: LogRecord) =>
  a.timestamp - b.timestamp || a.partition - b.partition || a.offset - b.offset
const oldest = (found: LogRecord[], limit: number) => found.sort(byTimestamp).slice(0, limit)
const newest = (found: LogRecord[], limit: number) => found.sort(byTimestamp).slice(-limit).reverse()

function shown({ partition, offset, timestamp, key, value, headers, unreadable }: LogRecord): KafkaRecord {
  const decoded = decode(value)
  const envelope = (typeof decoded === 'object' && decoded !== null ? decoded : {}) as Record<string, unknown>
  const text = (given: unknown) => (typeof given === 'string' ? given : null)
  return {
    partition,
    offset,
    timestamp,
    key,
    headers,
    bytes: value?.length ?? 0,
    type: text(envelope.type) ?? headers.ce_type ?? null,
    id: text(envelope.id) ?? headers.ce_id ?? null,
    value: decoded,
    ...(unreadable !== undefined && { unreadable }),
  }
}

function decode(value: Buffer | null): unknown {
  if (value === null) return null
  const text = value.toString('utf8', 0, VALUE_CHARS)
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON, or cut: shown as the text it is.
    return text
  }
}
