import { z } from 'zod'
import type { LogAdmin } from '../broker/admin.ts'
import { INVENTORY_EVENTS, INVENTORY_GROUP, ORDER_EVENTS } from '../broker/topics.ts'
import { ageOf, type PartitionLag, partitionLags } from './lag.ts'

const MAX_REMEMBERED = 1_000

export const LagReport = z
  .object({
    group: z.string(),
    state: z.string().describe('As the broker reports it: Stable, Empty (no members), Dead (unknown), ...'),
    members: z.array(z.object({ member_id: z.string(), client_id: z.string(), client_host: z.string() })),
    lag_messages: z.int().describe('Records not committed yet, all partitions'),
    lag_seconds: z.number().describe('Age of the oldest of them'),
    partitions: z.array(
      z.object({
        topic: z.string(),
        partition: z.int(),
        end_offset: z.int(),
        committed_offset: z.int().nullable(),
        lag_messages: z.int(),
        lag_seconds: z.number(),
      }),
    ),
  })
  .meta({ id: 'LagReport' })
export type LagReport = z.infer<typeof LagReport>

/**
 * How far a group is behind, from the broker alone: end offsets, committed offsets, group state. It is therefore right about
 * a group whose consumers are stopped, and about a group of another service.
 */
export function createLagReport(admin: LogAdmin, now: () => number = Date.now) {
  const ages = createAges(admin)

  return async (group: string): Promise<LagReport> => {
    const topics = group === INVENTORY_GROUP ? [ORDER_EVENTS] : [ORDER_EVENTS, INVENTORY_EVENTS]
    const [description, lags] = await Promise.all([
      admin.describeGroup(group),
      Promise.all(
        topics.map(async (topic) => {
          // Committed first: read the other way round, a moving consumer could show less than nothing.
          const committed = await admin.committed(group, topic)
          return partitionLags(topic, await admin.ranges(topic), committed)
        }),
      ),
    ])
    const at = now()
    const partitions = await Promise.all(
      lags.flat().map(async (lag) => ({ ...lag, lag_seconds: await ages(lag, at) })),
    )
    return {
      group,
      ...description,
      lag_messages: partitions.reduce((sum, { lag_messages }) => sum + lag_messages, 0),
      lag_seconds: Math.max(0, ...partitions.map(({ lag_seconds }) => lag_seconds)),
      partitions,
    }
  }
}

/** Ages of oldest unread records in seconds. A record's time never changes, so it is searched once. */
function createAges(admin: LogAdmin) {
  const times = new Map<string, number>()

  return async (
    { topic, partition, end_offset, lag_messages }: PartitionLag,
    now: number,
  ): Promise<number> => {
    if (lag_messages === 0) return 0
    const offset = end_offset - lag_messages
    const record = `${topic}/${partition}/${offset}`
    let time = times.get(record)
    if (time === undefined) {
      const offsetAt = async (timestamp: number) =>
        (await admin.offsetsAt(topic, timestamp)).find((entry) => entry.partition === partition)?.offset ?? 0
      time = now - (await ageOf(offset, now, offsetAt))
      if (times.size >= MAX_REMEMBERED) times.clear()
      times.set(record, time)
    }
    return (now - time) / 1_000
  }
}
