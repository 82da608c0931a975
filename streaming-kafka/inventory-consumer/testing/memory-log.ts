import type { LogAdmin } from '../../broker/admin.ts'
import type { OwnerWrite, OwnerWriter } from '../../broker/owner-writer.ts'
import type { LogMessage, Message } from '../../broker/records.ts'
import type { readToEnd } from '../../broker/replay.ts'
import { ORDER_EVENTS } from '../../broker/topics.ts'
import type { Run } from '../decide-orders.ts'

export const PARTITIONS = [0, 1]

/** What becomes of a transaction. */
export type Fate = 'written' | 'written, and the answer lost' | 'lost'

/**
 * The log as far as the owner of the stock can tell: partitions of orders, what was decided, and writers of which only
 * the newest can write. A transaction is all there, or nothing of it.
 */
export class MemoryLog {
  readonly orders: LogMessage[][] = PARTITIONS.map(() => [])
  readonly #topics = new Map<string, LogMessage[]>()
  readonly #offsets = PARTITIONS.map(() => 0)
  readonly #notes = PARTITIONS.map(() => '')
  #epoch = 0

  produce(partition: number, { key, value }: Message): void {
    const records = this.orders[partition] as LogMessage[]
    records.push({ ...recordOf(key, value), offset: String(records.length) } as LogMessage)
  }

  records(topic: string): LogMessage[] {
    return this.#topics.get(topic) ?? []
  }

  committed(partition: number): number {
    return this.#offsets[partition] as number
  }

  /** Without the owner's note: a foreign member of the group, or a tool. */
  commitAs(partition: number, offset: number, note = ''): void {
    this.#offsets[partition] = offset
    this.#notes[partition] = note
  }

  /** Up to where an owner says that everything is decided: what others commit says nothing. */
  notedTo(partition: number): number {
    return this.#notes[partition] === '' ? 0 : this.committed(partition)
  }

  /** Whatever is in the partition from here on, at most so many records. */
  runFrom(partition: number, offset: number, atMost: number): Run {
    const topic = ORDER_EVENTS
    const messages = (this.orders[partition] as LogMessage[]).slice(offset, offset + atMost)
    return {
      records: messages.map((message, i) => ({ origin: { topic, partition, offset: offset + i }, message })),
      next: { topic, partition, offset: offset + messages.length },
    }
  }

  readonly admin = {
    ranges: async () =>
      PARTITIONS.map((partition) => ({ partition, low: 0, high: this.orders[partition]?.length ?? 0 })),
    committed: async () =>
      PARTITIONS.map((partition) => ({
        partition,
        offset: this.#offsets[partition],
        metadata: this.#notes[partition],
      })),
  } as unknown as LogAdmin

  readonly read: typeof readToEnd = async (_settings, { topics, upTo = [], onMessages }) => {
    for (const topic of topics) {
      if (topic === ORDER_EVENTS)
        for (const { partition, offset } of upTo)
          onMessages(topic, (this.orders[partition] as LogMessage[]).slice(0, offset), partition)
      else onMessages(topic, this.records(topic), 0)
    }
  }

  /** Fences every earlier writer. `fate` is asked at each write, and may take its time. */
  openWriter(fate: () => Promise<Fate>): OwnerWriter {
    const epoch = ++this.#epoch
    const write = async (transaction: OwnerWrite) => {
      const becomes = await fate()
      if (epoch !== this.#epoch) throw Object.assign(new Error('fenced'), { type: 'INVALID_PRODUCER_EPOCH' })
      if (becomes !== 'lost') this.#commit(transaction)
      if (becomes !== 'written') throw new Error('timed out')
    }
    return { write, close: async () => {} }
  }

  #commit({ records, offsets }: OwnerWrite): void {
    for (const { topic, message } of records) {
      const { key, value, headers } = message
      this.#topics.set(topic, [...this.records(topic), { ...recordOf(key, value), headers } as LogMessage])
    }
    for (const { partition, offset, note } of offsets) this.commitAs(partition, offset, note)
  }
}

const buffer = (bytes: Message['key'] | Message['value']) =>
  bytes == null || Buffer.isBuffer(bytes) ? (bytes ?? null) : Buffer.from(String(bytes))
const recordOf = (key: Message['key'], value: Message['value']) => ({
  key: buffer(key),
  value: buffer(value),
})
