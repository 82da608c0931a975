import type { IHeaders, Message } from 'kafkajs'
import type { LogMessage } from './records.ts'

/** Where a poison record was found. */
export interface Origin {
  topic: string
  partition: number
  offset: number
}

/** A topic takes records of a megabyte by default: also one that somebody else created takes a letter of this size. */
const MAX_KEY_BYTES = 16 * 1024
const MAX_VALUE_BYTES = 1_000_000
const MAX_HEADERS_BYTES = 16 * 1024

/**
 * A copy of the record with its origin and the reason in the headers. Key, value and headers are as they were, except that
 * what is too long for any topic is cut, and a header says so: a letter that is refused would hold up everything behind it.
 */
export function toDeadLetter(
  { key, value, headers }: Pick<LogMessage, 'key' | 'value'> & Partial<Pick<LogMessage, 'headers'>>,
  { topic, partition, offset }: Origin,
  reason: string,
): Message {
  return {
    key: key?.subarray(0, MAX_KEY_BYTES) ?? null,
    value: value?.subarray(0, MAX_VALUE_BYTES) ?? null,
    headers: {
      ...kept(headers),
      origin_topic: topic,
      origin_partition: String(partition),
      origin_offset: String(offset),
      reason,
      ...cut('key', key, MAX_KEY_BYTES),
      ...cut('value', value, MAX_VALUE_BYTES),
    },
  }
}

/** All of them or none: which of a stranger's headers belong together is not known here. */
function kept(headers: IHeaders = {}): IHeaders {
  const bytes = Object.entries(headers)
    .flatMap(([name, value]) => [name, value ?? ''].flat())
    .reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  return bytes > MAX_HEADERS_BYTES ? { headers_cut_from: `${bytes} bytes` } : headers
}

const cut = (what: string, bytes: Buffer | null, limit: number) =>
  bytes && bytes.length > limit ? { [`${what}_cut_from`]: `${bytes.length} bytes` } : {}

/**
 * Which records have a dead letter already, read from the dead-letter topic itself: a record that is read again (replay,
 * take-over, reset) gets no second one.
 */
export class DeadLetterLedger {
  readonly #origins = new Set<string>()

  add({ topic, partition, offset }: Origin): void {
    this.#origins.add(`${topic}/${partition}/${offset}`)
  }

  addFrom(headers: IHeaders | undefined): void {
    const { origin_topic, origin_partition, origin_offset } = headers ?? {}
    this.#origins.add(`${origin_topic}/${origin_partition}/${origin_offset}`)
  }

  has({ topic, partition, offset }: Origin): boolean {
    return this.#origins.has(`${topic}/${partition}/${offset}`)
  }

  get size(): number {
    return this.#origins.size
  }
}
