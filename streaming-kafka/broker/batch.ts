import { settlesWithin } from '@lab/kit/bounded.ts'
import type { EachBatchPayload } from 'kafkajs'
import type { LogMessage } from './records.ts'

const HEARTBEAT_CHECK_MS = 500

/**
 * The records of one partition that one fetch brought. Nothing counts as read until `done` says so: a batch that is left
 * early is fetched again.
 */
export class Batch {
  readonly topic: string
  readonly partition: number
  readonly messages: LogMessage[]
  readonly #payload: EachBatchPayload
  readonly #closing: AbortSignal
  #done = 0

  /** `topic` is the name without the prefix. `closing` aborts when the session ends, so nobody sleeps through a stop. */
  constructor(payload: EachBatchPayload, { topic, closing }: { topic: string; closing: AbortSignal }) {
    this.topic = topic
    this.partition = payload.batch.partition
    this.messages = payload.batch.messages
    this.#payload = payload
    this.#closing = closing
  }

  /** False once the consumer stops or the partition was sought elsewhere: leave the batch, it will be fetched again. */
  get isCurrent(): boolean {
    return !this.#closing.aborted && this.#payload.isRunning() && !this.#payload.isStale()
  }

  /**
   * The offset to go on with after the first `count` messages. After the last one that skips what a consumer never
   * sees, the markers a transaction leaves in the log.
   */
  nextOffset(count: number): number {
    if (count === 0) return Number(this.messages[0]?.offset)
    const isAll = count === this.messages.length
    return Number(isAll ? this.#payload.batch.lastOffset() : this.messages[count - 1]?.offset) + 1
  }

  /** The first `count` messages are dealt with; the next fetch starts behind them. Nothing is committed by this. */
  done(count: number): void {
    this.#done = count
    const last = this.messages[count - 1]
    if (last) this.#payload.resolveOffset(last.offset)
  }

  /** Whether all of it is dealt with. */
  get isDone(): boolean {
    return this.#done === this.messages.length
  }

  /** Tells the coordinator that this member lives, when it is time to. Throws when the group is rebalancing: leave the batch. */
  heartbeat(): Promise<void> {
    return this.#payload.heartbeat()
  }

  /**
   * Waits for `work` however long it takes, with heartbeats. Answers false when the batch is no longer current. Throws
   * what `work` throws, and when the group rebalances meanwhile.
   */
  async hold(work: Promise<unknown>): Promise<boolean> {
    // A rejection must not count as unhandled when the batch is left before `work` ends.
    work.catch(() => {})
    while (!(await settlesWithin(work, HEARTBEAT_CHECK_MS, this.#closing))) {
      if (!this.isCurrent) return false
      await this.heartbeat()
    }
    if (!this.isCurrent) return false
    await work
    return true
  }
}
