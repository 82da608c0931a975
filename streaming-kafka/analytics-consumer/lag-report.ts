import { LabError } from '@lab/kit/errors.ts'
import { z } from 'zod'
import type { LogAdmin } from '../broker/admin.ts'
import type { Offset } from '../broker/positions.ts'
import { ANALYTICS_GROUP, INVENTORY_EVENTS, INVENTORY_GROUP, ORDER_EVENTS } from '../broker/topics.ts'
import { ageOf, type PartitionLag, partitionLags } from './lag.ts'

const MAX_REMEMBERED = 1_000
/** Of these there is a lag also before they are there: everything. */
const OWN_GROUPS = [ANALYTICS_GROUP, INVENTORY_GROUP]

/** What this service has read of the log. */
export interface WhatIsRead {
  positions: () => Offset[]
  openOrders: () => { undecided_orders: number; oldest_order_id: string | null }
}

export const LagReport = z
  .object({
    group: z.string(),
    state: z.string().describe('As the broker reports it: Stable, Empty (no members), Dead (unknown), ...'),
    members: z.array(z.object({ member_id: z.string(), client_id: z.string(), client_host: z.string() })),
    lag_messages: z.int().describe('Records not committed yet, all partitions'),
    lag_seconds: z.number().describe('Age of the oldest of them'),
    waiting: z
      .object({
        undecided_orders: z.int().describe('Orders this service has read, and no decision of'),
        oldest_order_id: z.uuid().nullable(),
        unread_records: z.int().describe('Records of both topics it has not read, so these may be more'),
      })
      .describe('Orders that wait for a decision, whatever any group has committed'),
    partitions: z.array(
      z.object({
        topic: z.string(),
        partition: z.int(),
        end_offset: z.int(),
        committed_offset: z.int().nullable(),
        lag_messages: z.int(),
        lag_seconds: z.number(),
        unreadable_messages: z.int().describe('Of these, how many wait for an open transaction to end'),
        note: z.string().optional().describe('What is odd about the committed offset'),
      }),
    ),
  })
  .meta({ id: 'LagReport' })
export type LagReport = z.infer<typeof LagReport>

/**
 * How far a group is behind, from the broker alone: end offsets, committed offsets, group state. It is therefore right about
 * a group whose consumers are stopped, and about a group of another service. What a group committed is not always what was
 * done: anybody may commit in its name. So the orders without a decision are told beside it, from the log alone.
 */
export function createLagReport(admin: LogAdmin, read: WhatIsRead, now: () => number = Date.now) {
  const ages = createAges(admin)

  /** Committed first: read the other way round, a moving consumer could show less than nothing. */
  const lagsOf = async (group: string, topic: string) => {
    const committed = await admin.committed(group, topic)
    // Where reading is before the end is asked for: what comes in between counts as unread.
    const positions = read.positions()
    const [ranges, ends] = await Promise.all([admin.ranges(topic), admin.ends(topic)])
    const bounds = ranges.map((range) => ({
      ...range,
      end: Math.max(range.high, ends.find(({ partition }) => partition === range.partition)?.end ?? 0),
    }))
    const unread = bounds.map(({ partition, low, end }) => {
      const at = positions.find((one) => one.topic === topic && one.partition === partition)?.offset ?? low
      return Math.max(0, end - at)
    })
    return {
      topic,
      isCommitted: committed.some(({ offset }) => offset !== undefined),
      lags: partitionLags(topic, bounds, committed),
      unread: sum(unread),
    }
  }

  return async (group: string): Promise<LagReport> => {
    const [description, orders, inventory] = await Promise.all([
      admin.describeGroup(group),
      lagsOf(group, ORDER_EVENTS),
      lagsOf(group, INVENTORY_EVENTS),
    ])
    const isKnown = OWN_GROUPS.includes(group) || orders.isCommitted || inventory.isCommitted
    if (description.state === 'Dead' && !isKnown)
      throw new LabError('LAB_NOT_FOUND', `group: there is no consumer group '${group}'`)

    const lags = group === INVENTORY_GROUP ? orders.lags : [...orders.lags, ...inventory.lags]
    const at = now()
    const partitions = await Promise.all(
      lags.map(async (lag) => ({ ...lag, lag_seconds: await ages(lag, at) })),
    )
    return {
      group,
      ...description,
      lag_messages: sum(partitions.map(({ lag_messages }) => lag_messages)),
      lag_seconds: Math.max(0, ...partitions.map(({ lag_seconds }) => lag_seconds)),
      waiting: { ...read.openOrders(), unread_records: orders.unread + inventory.unread },
      partitions,
    }
  }
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)

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
