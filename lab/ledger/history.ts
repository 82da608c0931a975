import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { type Item, Order as OrderSchema, type OrderStatus } from '@lab/common/domain/order.ts'
import { messageOf } from '@lab/kit/errors.ts'
import { z } from 'zod'

/**
 * What an order became for the client that sent it. `ok`: any 2xx. `rejected`: 4xx, the service refused it. `failed`:
 * 5xx. `unknown`: no answer (time-out, broken connection); the order may exist or not, and is never counted as lost.
 */
export const ClientOutcome = z.enum(['ok', 'rejected', 'failed', 'unknown'])
export type ClientOutcome = z.infer<typeof ClientOutcome>

/** One intended order, as the client knows it once it stopped waiting. Orders that were never sent have no record. */
export interface HistoryRecord {
  /** Position in the plan of the run; names an order that has no id. */
  n: number
  outcome: ClientOutcome
  item: Item
  quantity: number
  /** HTTP status of the answer. */
  status?: number
  /** As answered, or as the idempotency key implies it. */
  order_id?: string
  /** The order's status as the answer told it. */
  told?: OrderStatus
  /** Ordering key: where order per key is promised, orders of one key are handled in the order they were sent. */
  key?: string
  idempotency_key?: string
  /** When the order was sent and when its outcome was known, milliseconds since the start of the run. */
  sent_ms?: number
  done_ms?: number
}

/** What clients heard of some orders. */
export interface Answers extends Record<ClientOutcome, number> {
  sent: number
  /** By HTTP status; `none` where there was no answer. */
  statuses: Record<string, number>
}

export function answersOf(records: Iterable<Pick<HistoryRecord, 'outcome' | 'status'>>): Answers {
  const answers: Answers = { sent: 0, ok: 0, rejected: 0, failed: 0, unknown: 0, statuses: {} }
  for (const { outcome, status = 'none' } of records) {
    answers.sent++
    answers[outcome]++
    answers.statuses[status] = (answers.statuses[status] ?? 0) + 1
  }
  return answers
}

/** `90 × 503, 2 × no answer` */
export const describeStatuses = (statuses: Answers['statuses'], nothing = '–'): string =>
  Object.entries(statuses)
    .map(([status, count]) => `${count} × ${status === 'none' ? 'no answer' : status}`)
    .join(', ') || nothing

const HISTORY_VERSION = 1

/** First line of a history file. */
const HistoryHeader = z.object({ history: z.literal(HISTORY_VERSION) })

/** Last line of a history file that was written to its end. */
const HistoryTrailer = z.object({ end: z.literal(true), records: z.int().min(0) })

const { item, quantity, status } = OrderSchema.shape

const HistoryRecordSchema = z.object({
  n: z.int().min(0),
  outcome: ClientOutcome,
  item,
  quantity,
  status: z.int().optional(),
  order_id: z.string().min(1).optional(),
  told: status.optional(),
  key: z.string().optional(),
  idempotency_key: z.string().optional(),
  sent_ms: z.number().optional(),
  done_ms: z.number().optional(),
})

interface HistoryWriter {
  write: (record: HistoryRecord) => void
  /** Writes what is left and the closing line. Rejects when any part of the file could not be written. */
  close: () => Promise<void>
}

const BATCH_CHARACTERS = 64 * 1024

/**
 * Writes a history as JSON lines, in batches and in the background. The closing line tells a complete history from one
 * whose writer was killed. An existing file is never overwritten.
 */
export async function createHistoryFile(path: string): Promise<HistoryWriter> {
  const file = createWriteStream(path, { flags: 'wx' })
  await once(file, 'open')
  let failure: Error | undefined
  file.on('error', (err) => (failure ??= err))

  let batch = `${JSON.stringify({ history: HISTORY_VERSION })}\n`
  let records = 0
  return {
    write(record) {
      records++
      batch += `${JSON.stringify(record)}\n`
      if (batch.length < BATCH_CHARACTERS) return
      file.write(batch)
      batch = ''
    },
    async close() {
      file.end(`${batch}${JSON.stringify({ end: true, records })}\n`)
      if (!file.closed) await once(file, 'close').catch(() => {}) // its error is kept in `failure`
      if (failure)
        throw new Error(`the history '${path}' is incomplete: ${failure.message}`, { cause: failure })
    },
  }
}

class HistoryFileError extends Error {}

export interface HistoryFile {
  /** Can be read once. A line that is wrong throws a `HistoryFileError` that names it. */
  records: AsyncIterable<HistoryRecord>
  /**
   * Whether the history was written to its end; known once the records are read. A run that was killed leaves what is
   * there, and its last half line is passed over.
   */
  isComplete: () => boolean
}

/** Reads a history line by line, so that its size does not matter. */
export function openHistoryFile(path: string): HistoryFile {
  let isComplete = false
  return { records: readRecords(path, () => (isComplete = true)), isComplete: () => isComplete }
}

async function* readRecords(path: string, onEnd: () => void): AsyncGenerator<HistoryRecord> {
  let line = 0
  let records = 0
  const wrong = (why: string) => new HistoryFileError(`history '${path}', line ${line}: ${why}`)
  for await (const text of linesOf(path)) {
    line++
    const value = parse(text)
    if (value === undefined) throw wrong('it is not a JSON object')
    if (line === 1) {
      if (!HistoryHeader.safeParse(value).success)
        throw wrong(`it does not begin a history of version ${HISTORY_VERSION}`)
      continue
    }
    const trailer = Object.hasOwn(value, 'end') ? HistoryTrailer.safeParse(value) : undefined
    if (trailer?.success) {
      if (trailer.data.records !== records)
        throw wrong(`it counts ${trailer.data.records} records, and there are ${records}`)
      return onEnd()
    }
    const record = HistoryRecordSchema.safeParse(value)
    if (!record.success) throw wrong(messageOf(record.error))
    records++
    yield record.data as HistoryRecord
  }
  if (line === 0) throw wrong('it is empty')
}

/** Whole lines only: what follows the last line break was cut off when its writer was killed. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 256 * 1024 })) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

function parse(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined // the caller names the line
  }
}
