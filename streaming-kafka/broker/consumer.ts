import { randomUUID } from 'node:crypto'
import { messageOf } from '@lab/kit/errors.ts'
import { pause } from '@lab/kit/wait.ts'
import type { Batch } from './batch.ts'
import type { KafkaSettings } from './client.ts'
import { wasAnswered } from './failures.ts'
import type { Offset } from './positions.ts'
import { type Assignment, openSession, type Session, type Skipped } from './session.ts'

const BACKOFF_MS = [200, 500, 1_000, 2_000]
/** A session that lasted this long was fine: the next failure is a first one. */
const HEALTHY_MS = 30_000
/** Fetches and heartbeats come back every 2 s at the latest; after this the broker counts as away. */
const STALE_AFTER_MS = 5_000
const CONNECTING = 'connecting'

export interface ConsumerOptions {
  groupId: string
  topics: string[]
  concurrency?: number
  /** Called at every join, before the first fetch. An empty assignment means: standing by. */
  onAssigned?: (assigned: Assignment) => void
  /**
   * Where to read a partition from after a join; undefined for the committed offset. A consumer whose state is in memory
   * answers with where that state is.
   */
  positionOf?: (topic: string, partition: number) => number | undefined
  onBatch: (batch: Batch) => Promise<void>
  onSkipped?: (skipped: Skipped) => void
}

export type { Offset } from './positions.ts'

export interface RunningConsumer {
  /** `ok`, or what it is doing instead and why, as its log says; for `/ready` by `consumerChecks`. */
  status: () => string
  /** Reads these partitions from these offsets, from the next fetch on. Without a membership this is a no-op: `positionOf` counts. */
  seek: (offsets: Offset[]) => void
  /** Rejects without a membership, and when the group has moved on. */
  commit: (offsets: Offset[]) => Promise<void>
  /** Leaves the group and joins again as a new member. */
  restart: (reason: string) => void
  /** Lets the batches in hand finish, leaves the group, disconnects. */
  close: () => Promise<void>
}

/**
 * Consumes until closed. Whatever goes wrong (no broker, a crash of the library, silence) ends the session and a new one
 * is opened, with bounded back-off, for as long as it takes.
 */
export const runConsumer = (settings: KafkaSettings, options: ConsumerOptions): RunningConsumer =>
  new SupervisedConsumer(settings, options)

class SupervisedConsumer implements RunningConsumer {
  readonly #settings: KafkaSettings
  readonly #options: ConsumerOptions
  readonly #member = randomUUID()
  readonly #stop = new AbortController()
  readonly #finished: Promise<void>
  #session: Session | undefined
  #assignment: Assignment | undefined
  /** What ended the last session, until another one joins. */
  #trouble: unknown

  constructor(settings: KafkaSettings, options: ConsumerOptions) {
    this.#settings = settings
    this.#options = options
    this.#finished = this.#supervise()
  }

  status(): string {
    if (this.#trouble !== undefined && wasAnswered(this.#trouble))
      return `${this.#options.groupId}: ${messageOf(this.#trouble)}`
    if (!this.#session || Date.now() - this.#session.lastActivity() > STALE_AFTER_MS)
      return this.#trouble === undefined ? CONNECTING : `${CONNECTING}: ${messageOf(this.#trouble)}`
    if (!this.#assignment) return 'joining the group'
    return Object.keys(this.#assignment).length === 0 ? 'standing by' : 'ok'
  }

  seek(offsets: Offset[]): void {
    if (!this.#assignment) return
    for (const offset of offsets) this.#session?.seek(offset)
  }

  async commit(offsets: Offset[]): Promise<void> {
    if (!this.#session) throw new Error('not connected')
    await this.#session.commit(offsets)
  }

  restart(reason: string): void {
    this.#session?.end(reason)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#finished
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#stop
    for (let failures = 0; !signal.aborted; failures++) {
      const startedAt = Date.now()
      try {
        await this.#runSession()
      } catch (err) {
        this.#note(err, 'consumer could not start')
      }
      if (Date.now() - startedAt > HEALTHY_MS) failures = 0
      await pause(BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)] as number, signal)
    }
  }

  async #runSession(): Promise<void> {
    const { groupId, topics, concurrency = 1, onBatch, onAssigned, onSkipped, positionOf } = this.#options
    const session = await openSession(this.#settings, {
      groupId,
      topics,
      member: this.#member,
      concurrency,
      onAssigned: (assigned) => {
        this.#assignment = assigned
        this.#trouble = undefined
        onAssigned?.(assigned)
      },
      positionOf: positionOf ?? (() => undefined),
      onBatch,
      onSkipped: onSkipped ?? (() => {}),
    })
    this.#session = session
    const { signal } = this.#stop
    const end = () => session.end(signal.reason)
    if (signal.aborted) end()
    signal.addEventListener('abort', end)
    try {
      const reason = await session.ended
      if (!signal.aborted) this.#note(reason, 'consumer starts again')
    } finally {
      signal.removeEventListener('abort', end)
      this.#session = undefined
      this.#assignment = undefined
      await session.close()
    }
  }

  /** The same trouble again is no news: it is logged once, and `/ready` has it for as long as it lasts. */
  #note(trouble: unknown, what: string): void {
    const isNews = this.#trouble === undefined || messageOf(this.#trouble) !== messageOf(trouble)
    this.#trouble = trouble
    this.#settings.log[isNews ? 'warn' : 'debug']({ reason: messageOf(trouble) }, what)
  }
}

/** A consumer's status as `/ready` shows it. */
export const consumerChecks = (status = CONNECTING): { broker: string; consumer: string } =>
  status.startsWith(CONNECTING)
    ? { broker: status, consumer: 'waiting for the broker' }
    : { broker: 'ok', consumer: status }
