import { ITEMS, type Item, type OrderStatus } from '@lab/common/domain/order.ts'
import { derivedId } from '@lab/common/ids.ts'
import fc from 'fast-check'
import type { HistoryRecord } from '../history.ts'
import type { Observed, ObservedDeadLetter, ObservedDecision, ObservedOrder, Promises } from '../observed.ts'

/** A run as it was, with every source in memory, so that a test can plant something in one of them. */
export interface World {
  history: HistoryRecord[]
  orders: ObservedOrder[]
  decisions: ObservedDecision[]
  notifications: { order_id: string }[]
  updates: { order_id: string; status: OrderStatus }[]
  deadLetters: ObservedDeadLetter[]
  stock: { initial: Record<Item, number>; left: Record<Item, number> }
  backlog: { place: string; messages: number }[]
  plantedDeadLetters: number
}

export const promises: Promises = { notifies: 'always', ordersPerKey: true }
export const idOf = (n: number) => derivedId('test', String(n))
export const observedOf = ({ history: _, ...observed }: World): Observed => observed

export const acknowledged = ({ history }: World) =>
  history.flatMap(({ outcome, order_id }) => (outcome === 'ok' && order_id ? [order_id] : []))
export const reserved = ({ orders }: World) => orders.filter(({ status }) => status === 'reserved')
export const failed = ({ orders }: World) => orders.filter(({ status }) => status === 'failed')
export const phantom = idOf(1_000_000)

/** How one order goes. `ghost`: no answer, and it never arrived. `unsure`: no answer, and it is there. */
export interface Step {
  how: 'ok' | 'refused' | 'sold out' | 'ghost' | 'unsure' | 'broken'
  item: Item
  quantity: number
  key: number
  isRepeated: boolean
}

/** Plays the steps one after the other against a stock, as a correct system does. */
export function play(steps: Step[], initialOfEach = 1_000): World {
  const initial = { burger: initialOfEach, pizza: initialOfEach, salad: initialOfEach }
  const world: World = {
    history: [],
    orders: [],
    decisions: [],
    notifications: [],
    updates: [],
    deadLetters: [],
    stock: { initial, left: { ...initial } },
    backlog: [],
    plantedDeadLetters: 0,
  }
  for (const [n, step] of steps.entries()) playStep(world, n, step)
  return world
}

function playStep(world: World, n: number, { how, item, quantity, key, isRepeated }: Step): void {
  const order_id = idOf(n)
  const intended = { n, item, quantity, key: `key-${key}`, sent_ms: n * 10, done_ms: n * 10 + 5 }
  if (how === 'refused') {
    world.history.push({ ...intended, outcome: 'rejected', status: 400 })
    return
  }
  if (how === 'ghost' || how === 'broken') {
    world.history.push({ ...intended, outcome: how === 'ghost' ? 'unknown' : 'failed', order_id })
    return
  }
  const isUnsure = how === 'unsure'
  world.history.push({
    ...intended,
    outcome: isUnsure ? 'unknown' : 'ok',
    order_id,
    ...(!isUnsure && { told: 'placed', status: 202 }),
  })
  const isReserved = how !== 'sold out' && world.stock.left[item] >= quantity
  const status = isReserved ? ('reserved' as const) : ('failed' as const)
  const decision = { order_id, status, event_id: `event-${n}` }
  world.orders.push({ order_id, item, quantity, status })
  world.updates.push({ order_id, status: 'placed' }, { order_id, status })
  world.decisions.push(decision, ...(isRepeated ? [decision] : []))
  if (!isReserved) return
  world.stock.left[item] -= quantity
  world.notifications.push({ order_id })
}

const step: fc.Arbitrary<Step> = fc.record({
  how: fc.constantFrom('ok', 'ok', 'ok', 'refused', 'sold out', 'ghost', 'unsure', 'broken'),
  item: fc.constantFrom(...ITEMS),
  quantity: fc.integer({ min: 1, max: 100 }),
  key: fc.nat(3),
  isRepeated: fc.boolean(),
})

/** Runs of a correct system: stock may run out, answers may be missing, events may come twice. */
export const worlds: fc.Arbitrary<World> = fc
  .tuple(fc.array(step, { minLength: 1, maxLength: 60 }), fc.constantFrom(50, 300, 1_000))
  .map(([steps, initial]) => play(steps, initial))
