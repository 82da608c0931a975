import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '@lab/kit/errors.ts'
import type { LogAdmin } from './admin.ts'
import type { Batch } from './batch.ts'
import type { KafkaSettings } from './client.ts'
import { type Offset, type RunningConsumer, runConsumer } from './consumer.ts'
import { Positions } from './positions.ts'
import { type Bounds, logBounds } from './replay.ts'

const RETRY_MS = 500

export interface LogReaderOptions {
  admin: LogAdmin
  groupId: string
  topics: string[]
  /** Runs before the first record is read, again and again until it succeeds. */
  prepare?: () => Promise<void>
  /**
   * Handles a batch and says with `advance` how many messages from its start are in the state. After anything awaited, a
   * batch that is no longer current must be left.
   */
  onBatch: (batch: Batch, advance: (count: number) => void) => Promise<void> | void
}

export interface Progress {
  /** True until the reader has seen all that was in the log when it started, or was restarted. */
  replaying: boolean
  from: Offset[]
  processed: number
  remaining: number
}

export interface LogReader {
  status: () => string
  progress: () => Progress
  /** Where each partition goes on; the state holds exactly what is before it. */
  positions: () => Offset[]
  commit: (offsets: Offset[]) => Promise<void>
  /**
   * Reads again from the oldest record, in the live group. `clear` empties the state in the same turn, so nothing of the
   * old reading gets into the new. Rejects, and changes nothing, when the broker is away.
   */
  restart: (clear: () => void) => Promise<Offset[]>
  close: () => Promise<void>
}

/**
 * Reads topics from their beginning into a state in memory, then follows them. The positions live beside the state, not
 * at the broker: after a lost broker or a rebalance, reading goes on where the state is.
 */
export const openLogReader = (settings: KafkaSettings, options: LogReaderOptions): LogReader =>
  new FollowingReader(settings, options)

class FollowingReader implements LogReader {
  readonly #settings: KafkaSettings
  readonly #options: LogReaderOptions
  readonly #stop = new AbortController()
  readonly #positions = new Positions()
  readonly #started: Promise<void>
  #consumer: RunningConsumer | undefined
  #bounds: Bounds | undefined
  #processed = 0

  constructor(settings: KafkaSettings, options: LogReaderOptions) {
    this.#settings = settings
    this.#options = options
    this.#started = this.#start().catch((err) => {
      if (!this.#stop.signal.aborted) throw err
    })
  }

  status(): string {
    return this.#consumer?.status() ?? 'connecting'
  }

  progress(): Progress {
    const remaining = this.#bounds ? this.#positions.remaining(this.#bounds.ends) : 0
    return {
      replaying: !this.#bounds || remaining > 0,
      from: this.#bounds?.starts ?? [],
      processed: this.#processed,
      remaining,
    }
  }

  positions(): Offset[] {
    return this.#positions.all()
  }

  async commit(offsets: Offset[]): Promise<void> {
    if (!this.#consumer) throw new Error('not started')
    await this.#consumer.commit(offsets)
  }

  async restart(clear: () => void): Promise<Offset[]> {
    const bounds = await logBounds(this.#options.admin, this.#options.topics)
    clear()
    this.#begin(bounds)
    this.#consumer?.seek(bounds.starts)
    return bounds.starts
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#started
    await this.#consumer?.close()
  }

  async #start(): Promise<void> {
    const { admin, groupId, topics, prepare } = this.#options
    const ready = async () => {
      await admin.ensureTopics()
      await prepare?.()
      return logBounds(admin, topics)
    }
    this.#begin(await untilAnswered(this.#settings, this.#stop.signal, ready))
    this.#consumer = runConsumer(this.#settings, {
      groupId,
      topics,
      positionOf: (topic, partition) => this.#positions.get(topic, partition),
      onBatch: (batch) => this.#handle(batch),
      onSkipped: ({ topic, partition, next }) => this.#positions.set({ topic, partition, offset: next }),
    })
  }

  #begin(bounds: Bounds): void {
    this.#bounds = bounds
    this.#processed = 0
    for (const start of bounds.starts) this.#positions.set(start)
  }

  async #handle(batch: Batch): Promise<void> {
    const { topic, partition } = batch
    let advanced = 0
    await this.#options.onBatch(batch, (count) => {
      this.#processed += count - advanced
      advanced = count
      batch.done(count)
      this.#positions.set({ topic, partition, offset: batch.nextOffset(count) })
    })
  }
}

/** Asks until there is an answer: a broker that is away at the start is normal. Throws only when `signal` aborts. */
export async function untilAnswered<Answer>(
  { log }: KafkaSettings,
  signal: AbortSignal,
  question: () => Promise<Answer>,
): Promise<Answer> {
  for (;;) {
    signal.throwIfAborted()
    try {
      return await question()
    } catch (err) {
      log.debug({ reason: messageOf(err) }, 'waiting for kafka')
      await sleep(RETRY_MS, undefined, { signal })
    }
  }
}
