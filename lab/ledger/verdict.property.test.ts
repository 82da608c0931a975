import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mutations } from './testing/mutations.ts'
import { observedOf, promises, type World, worlds } from './testing/world.ts'
import { compare } from './verdict.ts'

const check = (world: World) => compare({ records: world.history }, observedOf(world), promises)

/** Ranks that turn any list into another order of itself. */
const ranks = fc.infiniteStream(fc.nat()).map((stream) => () => stream.next().value ?? 0)

const shuffled = <T>(list: T[], rank: () => number): T[] =>
  list
    .map((entry) => ({ entry, rank: rank() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ entry }) => entry)

/** Takes from the lists in any order, from each in its own. */
function interleaved<T>(lists: T[][], rank: () => number): T[] {
  const queues = lists.map((list) => [...list]).filter(({ length }) => length > 0)
  const all: T[] = []
  while (queues.length > 0) {
    const at = rank() % queues.length
    all.push(queues[at]?.shift() as T)
    if (queues[at]?.length === 0) queues.splice(at, 1)
  }
  return all
}

/** The same run, as readers see it that ask services, queues and partitions in another order. */
function readOtherwise(world: World, rank: () => number): World {
  const keyOf = new Map(world.history.map(({ order_id, key }) => [order_id, key]))
  const partitions = Map.groupBy(world.decisions, ({ order_id }) => keyOf.get(order_id))
  const updates = Map.groupBy(world.updates, ({ order_id }) => order_id)
  return {
    ...world,
    history: shuffled(world.history, rank),
    orders: shuffled(world.orders, rank),
    notifications: shuffled(world.notifications, rank),
    deadLetters: shuffled(world.deadLetters, rank),
    decisions: interleaved([...partitions.values()], rank),
    updates: interleaved([...updates.values()], rank),
  }
}

describe('the ledger, however services and partitions are read', () => {
  test('balances for a correct system', async () => {
    await fc.assert(
      fc.asyncProperty(worlds, ranks, async (world, rank) => {
        expect((await check(readOtherwise(world, rank))).reasons).toEqual([])
      }),
    )
  })

  test('finds the single anomaly', async () => {
    const anywhere = fc.tuple(worlds, fc.constantFrom(...mutations), fc.nat(), ranks)
    await fc.assert(
      fc.asyncProperty(anywhere, async ([world, { plants, apply }, at, rank]) => {
        fc.pre(apply(world, (from) => from[at % Math.max(1, from.length)]) !== undefined)

        const { verdict, anomalies } = await check(readOtherwise(world, rank))

        expect(verdict).not.toBe('balanced')
        expect(anomalies.map(({ type }) => type)).toContain(plants)
      }),
      { numRuns: 300 },
    )
  })

  test('counts events that are delivered again, and holds them against nobody', async () => {
    await fc.assert(
      fc.asyncProperty(worlds, fc.array(fc.nat()), async (world, again) => {
        const before = (await check(world)).totals.repeated_decisions
        const repeats = world.decisions.length === 0 ? [] : again
        for (const at of repeats) world.decisions.push({ ...world.decisions[at % world.decisions.length]! })

        const { verdict, totals } = await check(world)
        expect([verdict, totals.repeated_decisions]).toEqual(['balanced', before + repeats.length])
      }),
    )
  })
})

test('an answer that a client never heard is no loss: any of them may become unknown', async () => {
  await fc.assert(
    fc.asyncProperty(worlds, ranks, async (world, rank) => {
      for (const record of world.history) {
        if (record.outcome !== 'ok' || rank() % 2 === 0) continue
        record.outcome = 'unknown'
        delete record.told
        delete record.status
      }

      expect((await check(world)).reasons).toEqual([])
    }),
  )
})
