import type { Committed, PartitionRange } from '../broker/admin.ts'

export interface PartitionLag {
  topic: string
  partition: number
  end_offset: number
  /** Null when the group never committed: then everything in the partition is unread. */
  committed_offset: number | null
  lag_messages: number
}

/** Records between what a group committed and the end of the log, now. A group that is gone keeps its lag. */
export function partitionLags(
  topic: string,
  ranges: PartitionRange[],
  committed: Committed[],
): PartitionLag[] {
  const offsets = new Map(committed.map(({ partition, offset }) => [partition, offset]))
  return ranges.map(({ partition, low, high }) => {
    const offset = offsets.get(partition)
    return {
      topic,
      partition,
      end_offset: high,
      committed_offset: offset ?? null,
      lag_messages: Math.max(0, high - Math.max(low, offset ?? low)),
    }
  })
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
