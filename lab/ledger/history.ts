import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Item, OrderStatus } from '@lab/common/domain/order.ts'
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

const BATCH_CHARACTERS = 64 * 1024
/** The closing line. */
const END = { end: true }

/**
 * Writes a history as JSON lines, in batches and in the background. The closing line tells a complete history from one
 * whose writer was killed. An existing file is never overwritten.
 */
export async function createHistoryFile(path: string) {
  const file = createWriteStream(path, { flags: 'wx' })
  await once(file, 'open')
  let failure: Error | undefined
  file.on('error', (err) => (failure ??= err))

  let batch = ''
  return {
    write(record: HistoryRecord) {
      batch += `${JSON.stringify(record)}\n`
      if (batch.length < BATCH_CHARACTERS) return
      file.write(batch)
      batch = ''
    },
    /** Writes what is left and the closing line. Rejects when any part of the file could not be written. */
    async close() {
      file.end(`${batch}${JSON.stringify(END)}\n`)
      if (!file.closed) await once(file, 'close').catch(() => {}) // its error is kept in `failure`
      if (failure)
        throw new Error(`the history '${path}' is incomplete: ${failure.message}`, { cause: failure })
    },
  }
}

export type HistoryFile = ReturnType<typeof openHistoryFile>

/** Reads a history of this run line by line, so that its size does not matter. */
export function openHistoryFile(path: string) {
  let isComplete = false
  return {
    records: readRecords(path, () => (isComplete = true)),
    /** Whether it was written to its end; known once the records are read. A run that was killed leaves what is there. */
    isComplete: () => isComplete,
  }
}

async function* readRecords(path: string, onEnd: () => void): AsyncGenerator<HistoryRecord> {
  const file = createReadStream(path)
  // An error of the file is no event of the lines.
  await once(file, 'open')
  for await (const line of createInterface({ input: file, crlfDelay: Infinity })) {
    const value = parse(line)
    if (value === undefined) return
    if ('end' in value) return onEnd()
    yield value
  }
}

function parse(line: string): HistoryRecord | typeof END | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined // its writer was killed in the midst of it
  }
}
