import { batched } from '@lab/kit/batch.ts'
import { bounded, settlesWithin } from '@lab/kit/bounded.ts'
import { LabError } from '@lab/kit/errors.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import type { Message } from 'kafkajs'
import type { KafkaSettings } from './client.ts'
import { reconnectingProducer } from './producer.ts'

const MAX_RECORDS = 1_000
const MAX_WAITING = 20_000

interface Append {
  messages: Message[]
  /** Milliseconds since the epoch: by then the caller has its answer. */
  deadline: number
  /** `sent` before the first byte leaves, `abandoned` when the caller was told that nothing was written. Never both. */
  state: 'waiting' | 'sent' | 'abandoned'
}

/** The records may be in the log or not; only reading the log tells. */
export class UnknownAppend extends LabError {
  constructor(cause?: unknown) {
    super(
      'LAB_DEPENDENCY_UNAVAILABLE',
      'Kafka did not acknowledge in time; what was sent may still be in the log',
      {
        retryable: true,
        cause,
      },
    )
  }
}

const notWritten = () =>
  new LabError('LAB_DEPENDENCY_UNAVAILABLE', 'Kafka is away; nothing was written and nothing will be', {
    retryable: true,
  })

export interface AppenderOptions {
  topic: string
  timeoutMs: number
  metrics: Metrics
  /** Less than `all` weakens what `append` promises to what the broker was asked for. */
  acks?: Acks
}

/** Every in-sync replica, the leader alone, or nobody: with 0 the log may refuse a record and `append` resolves. */
export type Acks = 'all' | '1' | '0'
const ACKS: Record<Acks, number> = { all: -1, '1': 1, '0': 0 }

export interface LogAppender {
  /**
   * Resolves when the log has the records. Rejects within the timeout: with an `UnknownAppend` when they had been sent,
   * with another `LAB_DEPENDENCY_UNAVAILABLE` when they are not in the log and never will be.
   */
  append: (messages: Message[]) => Promise<void>
  close: () => Promise<void>
}

/**
 * Appends records to one topic; acknowledged means every in-sync replica has them (`acks=all`, the default).
 *
 * Appends that come together go out together, up to 1,000 records a request, and strictly one request is in flight. The
 * producer is not idempotent, on purpose: after a request with an unknown outcome kafkajs uses its sequence numbers
 * again, and the broker may take the next request for a repeat of the lost one: acknowledged, and never written. What is
 * left without it is that a retry can write a record twice, and every reader here absorbs that, because it is the same
 * event of the same order.
 */
export function openAppender(
  settings: KafkaSettings,
  { topic, timeoutMs, metrics, acks = 'all' }: AppenderOptions,
): LogAppender {
  // A frozen broker is found out within the caller's timeout.
  const producer = reconnectingProducer(settings, { requestTimeoutMs: Math.max(1_000, timeoutMs * 0.6) })
  let waiting = 0

  const send = async (appends: Append[]): Promise<LabError | undefined> => {
    const deadline = Math.max(...appends.map((append) => append.deadline))
    const open = await producer.connected(deadline).catch(() => undefined)
    const live = appends.filter(({ state }) => state === 'waiting')
    if (!open || live.length === 0) return notWritten()
    for (const append of live) append.state = 'sent'
    try {
      const messages = live.flatMap((append) => append.messages)
      await bounded(
        open.send({ topic: `${settings.prefix}${topic}`, acks: ACKS[acks], messages }),
        Math.max(0, deadline - Date.now()),
        'the append',
      )
      metrics.messagesPublished(topic, messages.length)
      return undefined
    } catch (err) {
      settings.log.warn({ err, appends: live.length }, 'append failed with an unknown outcome')
      producer.discard()
      return new UnknownAppend(err)
    }
  }

  const sendAll = async (appends: Append[]) => {
    const results: (LabError | undefined)[] = []
    for (const group of groupsOf(appends)) {
      const result = await send(group)
      results.push(...group.map(() => result))
    }
    return results
  }
  const enqueue = batched(sendAll, { maxBatch: MAX_RECORDS })

  const append = async (messages: Message[]) => {
    if (waiting >= MAX_WAITING)
      throw new LabError('LAB_OVERLOADED', `${waiting} appends are waiting already`, { retryable: true })
    waiting++
    try {
      const item: Append = { messages, deadline: Date.now() + timeoutMs, state: 'waiting' }
      const result = enqueue(item)
      if (await settlesWithin(result, timeoutMs)) {
        const error = await result
        if (error) throw error
        return
      }
      if (item.state === 'sent') throw new UnknownAppend()
      item.state = 'abandoned'
      throw notWritten()
    } finally {
      waiting--
    }
  }
  return { append, close: producer.close }
}

/** Consecutive appends, together at most 1,000 records (or one larger append alone). */
function groupsOf(appends: Append[]): Append[][] {
  const groups: Append[][] = []
  let records = Number.POSITIVE_INFINITY
  for (const append of appends) {
    if (records + append.messages.length > MAX_RECORDS) {
      groups.push([])
      records = 0
    }
    groups.at(-1)?.push(append)
    records += append.messages.length
  }
  return groups
}
