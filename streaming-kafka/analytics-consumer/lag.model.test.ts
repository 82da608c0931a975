import { asyncCommand } from '@lab/kit/testing/command.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LogAdmin } from '../broker/admin.ts'
import { INVENTORY_GROUP } from '../broker/topics.ts'
import { createLagReport } from './lag-report.ts'

interface Partition {
  /** When each record was written; the index is the offset. */
  times: number[]
  /** Records before this offset are gone. */
  low: number
  /** What the group has read, and committed. */
  committed: number | undefined
}
interface Model {
  now: number
  partitions: Partition[]
  state: 'Stable' | 'Empty' | 'Dead'
}
type Report = ReturnType<typeof createLagReport>
interface Real {
  report: Report
}

const NOTHING_READ = {
  positions: () => [],
  openOrders: () => ({ undecided_orders: 0, oldest_order_id: null }),
}

/** What a broker answers about these partitions. */
const adminOf = (model: Model) =>
  ({
    ranges: async () =>
      model.partitions.map(({ times, low }, partition) => ({ partition, low, high: times.length })),
    ends: async () => model.partitions.map(({ times }, partition) => ({ partition, end: times.length })),
    committed: async () =>
      model.partitions.map(({ committed }, partition) => ({ partition, offset: committed, metadata: '' })),
    describeGroup: async () => ({ state: model.state, members: [] }),
    offsetsAt: async (_topic: string, timestamp: number) =>
      model.partitions.map(({ times, low }, partition) => {
        const found = times.findIndex((time, offset) => offset >= low && time >= timestamp)
        return { partition, offset: found === -1 ? times.length : found }
      }),
  }) as unknown as LogAdmin

/** The lag is the records nobody has committed, counted one by one, and the age of the oldest of them. */
async function agree(model: Model, { report }: Real): Promise<void> {
  const { state, lag_messages, lag_seconds, partitions } = await report(INVENTORY_GROUP)
  const unread = model.partitions.map(({ times, low, committed }) =>
    times.filter((_, offset) => offset >= low && offset >= (committed ?? 0)),
  )
  expect(state).toBe(model.state)
  expect(partitions.map((one) => one.lag_messages)).toEqual(unread.map(({ length }) => length))
  expect(lag_messages).toBe(unread.flat().length)
  const age = unread.flat().length === 0 ? 0 : (model.now - Math.min(...unread.flat())) / 1_000
  expect(lag_seconds).toBeGreaterThanOrEqual(age)
  expect(lag_seconds - age).toBeLessThanOrEqual(Math.max(0.011, lag_seconds * 0.011))
}

const step = (name: string, change: (model: Model) => void) =>
  asyncCommand<Model, Real>(name, async (model, real) => {
    change(model)
    await agree(model, real)
  })

const produce = (at: number, count: number) =>
  step(`${count} records in ${at}`, ({ partitions, now }) => {
    for (let n = 0; n < count; n++) partitions[at]?.times.push(now)
  })

const wait = (ms: number) =>
  step(`${ms} ms pass`, (model) => {
    model.now += ms
  })

const commit = (at: number, count: number) =>
  step(`${count} more of ${at} are committed`, ({ partitions }) => {
    const partition = partitions[at] as Partition
    partition.committed = Math.min(
      partition.times.length,
      Math.max(partition.low, partition.committed ?? 0) + count,
    )
  })

const expire = (at: number, count: number) =>
  step(`the oldest ${count} of ${at} expire`, ({ partitions }) => {
    const partition = partitions[at] as Partition
    partition.low = Math.min(partition.times.length, partition.low + count)
  })

/** A group that is gone has read nothing more: its lag stays, and grows. */
const groupBecomes = (state: Model['state']) =>
  step(`the group is ${state}`, (model) => {
    model.state = state
    if (state === 'Dead') for (const partition of model.partitions) partition.committed = undefined
  })

test('lag agrees with counting the unread records, whatever expires, is committed, or becomes of the group', async () => {
  const at = fc.nat(1)
  const count = fc.integer({ min: 1, max: 5 })
  const where = fc.tuple(at, count)
  const commands = fc.commands(
    [
      where.map((args) => produce(...args)),
      where.map((args) => produce(...args)),
      fc.integer({ min: 1, max: 90_000 }).map(wait),
      where.map((args) => commit(...args)),
      where.map((args) => expire(...args)),
      fc.constantFrom('Stable' as const, 'Empty' as const, 'Dead' as const).map(groupBecomes),
    ],
    { maxCommands: 30, size: 'max' },
  )
  await fc.assert(
    fc.asyncProperty(commands, async (commands) => {
      const partition = () => ({ times: [], low: 0, committed: undefined })
      const model: Model = { now: 1_700_000_000_000, partitions: [partition(), partition()], state: 'Stable' }
      const real = { report: createLagReport(adminOf(model), NOTHING_READ, () => model.now) }
      await fc.asyncModelRun(() => ({ model, real }), commands)
    }),
  )
})
