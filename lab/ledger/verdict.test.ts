import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AnomalyTypes, NAMED_AT_MOST } from './anomaly.ts'
import { mutations } from './testing/mutations.ts'
import { idOf, observedOf, play, promises, type Step, type World, worlds } from './testing/world.ts'
import { compare } from './verdict.ts'

const check = (world: World) => compare({ records: world.history }, observedOf(world), promises)

const step = (overrides: Partial<Step> = {}): Step => ({
  how: 'ok',
  item: 'burger',
  quantity: 2,
  key: 0,
  isRepeated: false,
  ...overrides,
})
const aRun = () =>
  play([
    step(),
    step({ how: 'sold out' }),
    step({ how: 'refused' }),
    step({ how: 'ghost' }),
    step({ how: 'unsure' }),
    step(),
  ])

describe('order ledger', () => {
  test('balances for every run of a correct system', async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        expect(await check(world)).toMatchObject({ verdict: 'balanced', reasons: [], anomalies: [] })
      }),
    )
  })

  test.each(mutations.map((mutation) => [mutation.plants, mutation.how, mutation] as const))(
    'finds %s: %s',
    async (plants, _, { apply }) => {
      const world = aRun()

      const order = apply(world, (from) => from[0])

      const { verdict, anomalies, reasons } = await check(world)
      expect(verdict).toBe(plants === 'stuck' ? 'did not drain' : 'unbalanced')
      const found = anomalies.find(({ type }) => type === plants)
      expect(found?.count).toBeGreaterThanOrEqual(1)
      expect(found?.orders.map(({ order }) => order)).toContain(order)
      expect(reasons.join('\n')).toContain(plants)
    },
  )

  test('is tested with an anomaly of every type', () => {
    expect(new Set(mutations.map(({ plants }) => plants))).toEqual(new Set(AnomalyTypes))
  })

  test('finds any single anomaly in any run', async () => {
    const anywhere = fc.tuple(worlds, fc.constantFrom(...mutations), fc.nat())
    await fc.assert(
      fc.asyncProperty(anywhere, async ([world, { plants, apply }, at]) => {
        const order = apply(world, (from) => from[at % Math.max(1, from.length)])
        fc.pre(order !== undefined)

        const { verdict, anomalies } = await check(world)

        expect(verdict).not.toBe('balanced')
        const names = anomalies.find(({ type }) => type === plants)?.orders.map(({ order }) => order)
        expect(names).toContain(order)
      }),
      { numRuns: 500 },
    )
  })
})

describe('an order without an answer', () => {
  test('is never lost, whether it arrived or not', async () => {
    const world = play([step({ how: 'ghost' }), step({ how: 'unsure' })])

    expect(await check(world)).toMatchObject({
      verdict: 'balanced',
      totals: { outcomes: { unknown: 2 }, unknown_found: 1 },
    })
  })

  test('may be there under an id nobody knows, once', async () => {
    const world = play([step({ how: 'ghost' }), step()])
    delete world.history[0]!.order_id
    const arrived = { order_id: idOf(77), item: 'burger' as const, quantity: 2, status: 'reserved' as const }
    world.orders.push(arrived)
    world.notifications.push(arrived)
    world.stock.left.burger -= 2
    expect((await check(world)).verdict).toBe('balanced')

    world.orders.push({ ...arrived, order_id: idOf(78) })
    world.notifications.push({ order_id: idOf(78) })
    world.stock.left.burger -= 2

    const { anomalies } = await check(world)
    expect(anomalies).toMatchObject([{ type: 'phantom', count: 1 }])
    expect(anomalies[0]?.orders[0]?.detail).toContain('1 of 2 that look the same')
  })

  test('does not stand in for an order of another kind', async () => {
    const world = play([step({ how: 'ghost', quantity: 3 })])
    delete world.history[0]!.order_id
    world.orders.push({ order_id: idOf(77), item: 'burger', quantity: 2, status: 'failed' })

    expect((await check(world)).anomalies).toMatchObject([{ type: 'phantom', count: 1 }])
  })
})

describe('a bulk, whose ids nobody is told', () => {
  const aBulk = () => {
    const world = play([step(), step(), step({ item: 'pizza' })])
    for (const record of world.history) delete record.order_id
    return world
  }

  test('balances by what its orders look like', async () => {
    expect(await check(aBulk())).toMatchObject({ verdict: 'balanced', totals: { listed: 3 } })
  })

  test('has lost an order when one of its kind is missing', async () => {
    const world = aBulk()
    const { order_id } = world.orders.shift()!
    world.decisions.shift()
    world.updates = world.updates.filter((update) => update.order_id !== order_id)
    world.notifications.shift()
    world.stock.left.burger += 2

    expect((await check(world)).anomalies).toMatchObject([{ type: 'lost', count: 1 }])
  })
})

describe('a run that is not over', () => {
  test('did not drain while the broker counts messages, however much clients received', async () => {
    const world = aRun()
    world.backlog.push(
      { place: 'notification_queue', messages: 3 },
      { place: 'inventory_queue', messages: 0 },
    )

    expect(await check(world)).toMatchObject({
      verdict: 'did not drain',
      reasons: ['3 messages wait in notification_queue'],
      anomalies: [],
    })
  })

  test('holds nothing that may still come against anyone', async () => {
    const world = aRun()
    world.backlog.push({ place: 'inventory_queue', messages: 1 })
    world.notifications.pop()
    const { order_id } = world.orders.shift()!
    const entries = world.decisions.length
    world.decisions = world.decisions.filter((decision) => decision.order_id !== order_id)
    expect(world.decisions).toHaveLength(entries - 1)
    world.updates = world.updates.filter((update) => update.order_id !== order_id)
    world.notifications = world.notifications.filter((notification) => notification.order_id !== order_id)

    const { verdict, anomalies } = await check(world)

    expect(anomalies).toMatchObject([{ type: 'stuck', count: 2 }])
    expect(verdict).toBe('did not drain')
  })

  test('is unbalanced when something is broken as well', async () => {
    const world = aRun()
    world.backlog.push({ place: 'inventory_queue', messages: 1 })
    world.notifications.push(world.notifications[0]!)

    expect((await check(world)).verdict).toBe('unbalanced')
  })

  test('is not stuck on an order whose message is dead-lettered', async () => {
    const world = aRun()
    const order = world.orders.find(({ status }) => status === 'failed')!
    order.status = 'placed'
    world.decisions = world.decisions.filter(({ order_id }) => order_id !== order.order_id)
    world.updates = world.updates.filter(({ order_id }) => order_id !== order.order_id)
    world.deadLetters.push({ place: 'dlq_queue', reason: 'too many attempts', order_id: order.order_id })

    expect(await check(world)).toMatchObject({
      verdict: 'balanced',
      totals: { dead_lettered: 1, undecided: 1 },
    })
  })

  test('cannot be judged when its history was cut off, and sees no phantoms in it', async () => {
    const world = aRun()
    world.history.pop()

    const verdict = await compare(
      { records: world.history, isComplete: () => false },
      observedOf(world),
      promises,
    )

    expect(verdict).toMatchObject({ verdict: 'incomplete', anomalies: [] })
  })
})

describe('what is not an anomaly', () => {
  test('a planted dead letter, an event delivered again, and order per key that nobody promised', async () => {
    const world = play([step({ isRepeated: true }), step()])
    world.deadLetters.push({ place: 'dlq_queue', reason: 'not JSON' })
    world.plantedDeadLetters = 1
    world.decisions.reverse()

    const verdict = await compare({ records: world.history }, observedOf(world), {
      ...promises,
      ordersPerKey: false,
    })

    expect(verdict).toMatchObject({ verdict: 'balanced', totals: { repeated_decisions: 1 } })
  })

  test('orders of one key that were under way at the same time, decided either way', async () => {
    const world = play([step(), step()])
    world.history[0]!.done_ms = 1_000
    world.decisions.reverse()

    expect((await check(world)).verdict).toBe('balanced')
  })

  test('an order sent again with its idempotency key; but not two orders answered with one id', async () => {
    const world = play([step()])
    world.history.push({ ...world.history[0]!, n: 1 })

    expect((await check(world)).anomalies).toMatchObject([{ type: 'lost', orders: [{ order: '#1' }] }])
  })
})

test('names a bounded number of orders, and counts all of them', async () => {
  const world = play(Array.from({ length: 500 }, () => step({ item: 'pizza' })))
  world.notifications.splice(0, 300)

  const [anomaly] = (await check(world)).anomalies

  expect(anomaly).toMatchObject({ type: 'reserved not notified', count: 300 })
  expect(anomaly?.orders).toHaveLength(NAMED_AT_MOST)
})
