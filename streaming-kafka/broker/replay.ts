import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { LabError } from '@lab/kit/errors.ts'
import type { LogAdmin } from './admin.ts'
import type { KafkaSettings } from './client.ts'
import { type Offset, runConsumer } from './consumer.ts'
import { Positions } from './positions.ts'
import type { LogMessage } from './records.ts'

const NO_PROGRESS_MS = 30_000
const POLL_MS = 5

export type OnMessages = (topic: string, messages: LogMessage[], partition: number) => void

/** Where the log of some topics begins and ends. */
export interface Bounds {
  starts: Offset[]
  ends: Offset[]
}

/** Start and end of every partition of these topics, as the broker has them now. */
export async function logBounds(admin: LogAdmin, topics: string[]): Promise<Bounds> {
  const ranges = await Promise.all(
    topics.map(async (topic) => (await admin.ranges(topic)).map((range) => ({ topic, ...range }))),
  )
  const partitions = ranges.flat()
  return {
    starts: partitions.map(({ topic, partition, low }) => ({ topic, partition, offset: low })),
    ends: partitions.map(({ topic, partition, high }) => ({ topic, partition, offset: high })),
  }
}

export interface ReadToEnd {
  admin: LogAdmin
  topics: string[]
  /** Only these partitions, and only what is before these offsets. */
  upTo?: Offset[]
  onMessages: OnMessages
}

/**
 * Reads everything these topics hold at the time of the call, then returns. Aborted transactions are not seen. A record can
 * be handed over twice when the broker goes away in the middle, never none. Throws after 30 s without progress.
 *
 * kafkajs reads only as a member of a group, so this joins a group of its own that commits nothing and is forgotten.
 */
export async function readToEnd(
  settings: KafkaSettings,
  { admin, topics, upTo, onMessages }: ReadToEnd,
): Promise<void> {
  const { starts, ends: all } = await logBounds(admin, topics)
  const ends = upTo ? earlierOf(all, upTo) : all
  const positions = new Positions()
  for (const start of starts) positions.set(start)
  if (positions.remaining(ends) === 0) return

  const consumer = runConsumer(settings, {
    groupId: `replay-${randomUUID()}`,
    topics,
    positionOf: (topic, partition) => positions.get(topic, partition),
    onBatch: async (batch) => {
      onMessages(batch.topic, batch.messages, batch.partition)
      batch.done(batch.messages.length)
      positions.set({ ...batch, offset: batch.nextOffset(batch.messages.length) })
    },
    onSkipped: ({ topic, partition, next }) => positions.set({ topic, partition, offset: next }),
  })
  try {
    await untilRead(() => positions.remaining(ends))
  } finally {
    await consumer.close()
  }
}

/** Of the partitions that `limits` names, the end or the limit, whichever comes first. */
const earlierOf = (ends: Offset[], limits: Offset[]): Offset[] =>
  ends.flatMap((end) => {
    const limit = limits.find(({ topic, partition }) => topic === end.topic && partition === end.partition)
    return limit ? [{ ...end, offset: Math.min(end.offset, limit.offset) }] : []
  })

async function untilRead(remaining: () => number): Promise<void> {
  let before = remaining()
  let progressAt = Date.now()
  while (remaining() > 0) {
    if (remaining() < before) {
      before = remaining()
      progressAt = Date.now()
    }
    if (Date.now() - progressAt > NO_PROGRESS_MS)
      throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', 'the log could not be read to its end', {
        retryable: true,
      })
    await sleep(POLL_MS)
  }
}
