import type { GroupFigures, PartitionLag } from '../../wire/figures.ts'

export interface Bounds {
  topic: string
  partition: number
  start: number | undefined
  end: number | undefined
}

/**
 * How far a group is behind on one partition: records between what it committed and the end of the log. A group that is gone
 * keeps its lag, and one that never committed has everything before it. Where the brokers do not say, nothing is said.
 */
export function lagOf({ topic, partition, start, end }: Bounds, committed: number | undefined): PartitionLag {
  const known = { topic, partition, end: end ?? null, committed: committed ?? null }
  if (start === undefined || end === undefined) return { ...known, messages: null, seconds: null }
  const isPlace = committed !== undefined && committed <= end
  const messages = end - (isPlace ? Math.max(start, committed) : start)
  const note =
    committed === undefined
      ? 'never committed: all of it is unread'
      : committed > end
        ? `committed behind the end of the log: counted from its start, ${start}`
        : committed < start
          ? `records before ${start} are gone, and were not read`
          : undefined
  return { ...known, messages, seconds: messages === 0 ? 0 : null, ...(note !== undefined && { note }) }
}

/** The offset of the oldest record that was not read; undefined where there is none, or it is not known. */
export const firstUnread = ({ end, messages }: PartitionLag): number | undefined =>
  end === null || messages === null || messages === 0 ? undefined : end - messages

/** What is known of some partitions is said of these, and of how many. */
export function totalOf(
  partitions: readonly PartitionLag[],
): Pick<GroupFigures, 'messages' | 'seconds' | 'known' | 'of'> {
  const messages = partitions.flatMap(({ messages }) => messages ?? [])
  const seconds = partitions.flatMap(({ seconds }) => seconds ?? [])
  return {
    messages: messages.length === 0 ? null : messages.reduce((sum, one) => sum + one, 0),
    seconds: seconds.length === 0 ? null : Math.max(...seconds),
    known: messages.length,
    of: partitions.length,
  }
}
