import type { IHeaders, Message } from 'kafkajs'
import type { LogMessage } from './records.ts'

/** Where a poison record was found. */
export interface Origin {
  topic: string
  partition: number
  offset: number
}

/** A copy of the record, key and value as they were, with its origin and the reason in the headers. */
export const toDeadLetter = (
  { key, value }: Pick<LogMessage, 'key' | 'value'>,
  { topic, partition, offset }: Origin,
  reason: string,
): Message => ({
  key,
  value,
  headers: {
    origin_topic: topic,
    origin_partition: String(partition),
    origin_offset: String(offset),
    reason,
  },
})

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
