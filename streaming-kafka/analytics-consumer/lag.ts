import type { Committed } from '../broker/admin.ts'

export interface PartitionLag {
  topic: string
  partition: number
  end_offset: number
  /** Null when the group never committed: then everything in the partition is unread. */
  committed_offset: number | null
  lag_messages: number
  /** Of these, how many wait for an open transaction to end. */
  unreadable_messages: number
  note?: string
}

export interface PartitionBounds {
  partition: number
  /** Offset of the oldest record. */
  low: number
  /** Offset behind the last record that can be read. */
  high: number
  /** Offset behind the last record, those of open transactions included. */
  end: number
}

/**
 * Records between what a group committed and the end of the log, now, as Kafka's own tools count them. A group that is gone
 * keeps its lag. Where the committed offset is no place in the log, the tools subtract all the same; here it counts from
 * where a consumer would read, the start.
 */
export function partitionLags(
  topic: string,
  bounds: PartitionBounds[],
  committed: Pick<Committed, 'partition' | 'offset'>[],
): PartitionLag[] {
  const offsets = new Map(committed.map(({ partition, offset }) => [partition, offset]))
  return bounds.map(({ partition, low, high, end }) => {
    const offset = offsets.get(partition)
    const isPlace = offset !== undefined && offset <= end
    return {
      topic,
      partition,
      end_offset: end,
      committed_offset: offset ?? null,
      lag_messages: end - (isPlace ? Math.max(low, offset) : low),
      unreadable_messages: Math.max(0, end - Math.max(high, low)),
      ...noteOn(offset, { low, end }),
    }
  })
}

function noteOn(offset: number | undefined, { low, end }: { low: number; end: number }): { note?: string } {
  if (offset === undefined) return {}
  if (offset > end) return { note: `committed behind the end of the log: counted from its start, ${low}` }
  if (offset < low) return { note: `records before ${low} are gone, and were not read` }
  return {}
}

/** The first offset whose record is at least as new as `timestamp` (milliseconds). */
export type OffsetAt = (timestamp: number) => Promise<number>

const FIRST_STEP_MS = 1_000
const PRECISION_MS = 10
const PRECISION = 0.01

/**
 * How old the record at `offset` is, in milliseconds, to 10 ms or one per cent. The broker does not tell the time of a
 * record, but which record comes first after a time: so this searches for the newest time whose first record is not
 * behind `offset`, doubling the age until it is old enough, then halving the rest. About fifteen questions.
 */
export async function ageOf(offset: number, now: number, offsetAt: OffsetAt): Promise<number> {
  const isAtOrBefore = async (age: number) => now - age <= 0 || (await offsetAt(now - age)) <= offset
  let young = 0
  let old = FIRST_STEP_MS
  while (!(await isAtOrBefore(old))) {
    young = old
    old *= 2
  }
  while (old - young > Math.max(PRECISION_MS, old * PRECISION)) {
    const middle = Math.floor((old + young) / 2)
    if (await isAtOrBefore(middle)) old = middle
    else young = middle
  }
  return old
}
