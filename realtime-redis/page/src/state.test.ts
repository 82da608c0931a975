import { expect, test } from 'vitest'
import type { Status } from '../../redis/statuses.ts'
import {
  type Action,
  initialState,
  type OrderEvent,
  type PizzaOrder,
  reduce,
  type State,
  type StreamMessage,
  shownOrders,
} from './state.ts'

const AT = Date.parse('2026-03-01T12:00:00Z')

const pizza = (id: string, status: Status = 'pending_supplier'): PizzaOrder => ({
  id,
  status,
  supplier_name: 'Pizza Palace',
  pizza_name: 'Margherita',
  supplier_price: 10,
  customer_price: null,
  markup_percentage: 30,
  customer_name: null,
  delivery_address: null,
  driver_name: null,
  estimated_delivery_time: null,
  supplier_notes: null,
  created_at: `2026-03-01T11:00:0${id.length}Z`,
  updated_at: '2026-03-01T11:00:00Z',
})
const event = (seq: number, id: string, status: Status, order_version: number): OrderEvent => ({
  event_type: status === 'pending_supplier' ? 'order.created' : `order.${status}`,
  order: pizza(id, status),
  timestamp: '2026-03-01T11:00:00Z',
  seq,
  order_version,
})
const snapshot = (
  seq: number,
  orders: [string, Status, number][],
  more = false,
  epoch = 'one',
): StreamMessage => ({
  event_type: 'stream.snapshot',
  epoch,
  seq,
  more,
  orders: orders.map(([id, status, order_version]) => ({ order: pizza(id, status), order_version })),
})
const resumed = (seq: number, missed: number): StreamMessage => ({
  event_type: 'stream.resumed',
  epoch: 'one',
  seq,
  missed,
})
const received = (...messages: StreamMessage[]): Action => ({ type: 'received', messages, at: AT })
const after = (state: State, ...actions: Action[]) => actions.reduce(reduce, state)
const closed: Action = { type: 'closed', at: AT }
const opened: Action = { type: 'opened' }
const statuses = (state: State) =>
  Object.fromEntries(shownOrders(state).map(({ id, status }) => [id, status]))

const live = after(initialState, opened, received(snapshot(5, [['a', 'pending_supplier', 1]])))

test('shows nothing of a snapshot before all of it is there', () => {
  const half = after(initialState, opened, received(snapshot(5, [['a', 'ready', 5]], true)))
  expect(half).toMatchObject({ phase: 'catching-up', epoch: undefined, seq: 0 })
  expect(statuses(half)).toEqual({})

  const whole = after(half, received(snapshot(5, [['bb', 'preparing', 4]])))
  expect(whole).toMatchObject({ phase: 'live', epoch: 'one', seq: 5, caughtUp: 0 })
  expect(shownOrders(whole).map(({ id }) => id)).toEqual(['bb', 'a'])
})

test('begins a snapshot anew that was cut in the middle', () => {
  const cut = after(initialState, opened, received(snapshot(5, [['a', 'ready', 5]], true)), closed, opened)
  expect(statuses(after(cut, received(snapshot(6, [['bb', 'ready', 4]]))))).toEqual({ bb: 'ready' })
})

test('follows events in their order, and passes over what it has seen', () => {
  const next = [event(6, 'bb', 'pending_supplier', 1), event(7, 'a', 'supplier_accepted', 2)]
  const state = after(live, received(...next))
  expect(statuses(state)).toEqual({ a: 'supplier_accepted', bb: 'pending_supplier' })
  expect(state.seq).toBe(7)
  expect(state.activity.map(({ seq }) => seq)).toEqual([7, 6])
  expect(after(state, received(...next))).toEqual(state)
})

test('never takes an older version of an order than the one it has', () => {
  const ahead = after(initialState, opened, received(snapshot(5, [['a', 'customer_accepted', 3]])))
  const state = after(ahead, received(event(6, 'a', 'supplier_accepted', 2)))
  expect(statuses(state)).toEqual({ a: 'customer_accepted' })
  expect(state.seq).toBe(6)
})

test('replaces everything when the data set is another one', () => {
  const hoped = after(live, { type: 'hoped', id: 1, orderId: 'a', changes: { status: 'cancelled' } })
  const state = after(hoped, closed, opened, received(snapshot(2, [['a', 'ready', 1]], false, 'two')))
  expect(state).toMatchObject({ epoch: 'two', seq: 2, caughtUp: 0, activity: [] })
  expect(statuses(state)).toEqual({ a: 'ready' })
})

test('believes a snapshot of the same data set that has gone back', () => {
  const state = after(live, closed, opened, received(snapshot(3, [])), received(event(4, 'bb', 'ready', 1)))
  expect(state.seq).toBe(4)
  expect(statuses(state)).toEqual({ bb: 'ready' })
})

test('counts what it catches up, and is live when it has', () => {
  const back = after(live, closed, opened, received(resumed(7, 2)))
  expect(back).toMatchObject({ phase: 'catching-up', missing: 2, caughtUp: 0 })
  const half = after(back, received(event(6, 'a', 'supplier_accepted', 2)))
  expect(half).toMatchObject({ phase: 'catching-up', missing: 1, caughtUp: 1 })
  const cutAgain = after(half, closed, opened, received(resumed(8, 2)))
  const whole = after(
    cutAgain,
    received(event(7, 'a', 'customer_accepted', 3), event(8, 'a', 'preparing', 4)),
  )
  expect(whole).toMatchObject({ phase: 'live', missing: 0, caughtUp: 3 })
  expect(after(whole, received(event(9, 'a', 'ready', 5)))).toMatchObject({ caughtUp: 3 })
  expect(after(whole, { type: 'caught-up-dismissed' })).toMatchObject({ caughtUp: 0 })
  expect(after(whole, closed, opened, received(resumed(8, 0)))).toMatchObject({ phase: 'live', caughtUp: 0 })
})

test('counts what a snapshot brought of the same data set', () => {
  const state = after(live, closed, opened, received(snapshot(25, [['a', 'delivered', 8]])))
  expect(state).toMatchObject({ phase: 'live', caughtUp: 20 })
})

test('says since when it may be old, and until when', () => {
  const stale = after(live, received({ event_type: 'stream.stale' }))
  expect(stale).toMatchObject({ phase: 'stale', asOf: AT })
  const later = after(stale, { type: 'closed', at: AT + 1_000 })
  expect(later).toMatchObject({ phase: 'offline', asOf: AT })
  expect(after(stale, received({ event_type: 'stream.live', seq: 5 }))).toMatchObject({
    phase: 'live',
    asOf: undefined,
  })
})

test('shows a click at once, and the truth as soon as it comes', () => {
  const hope: Action = { type: 'hoped', id: 1, orderId: 'a', changes: { status: 'supplier_accepted' } }
  const hoped = after(live, hope)
  expect(statuses(hoped)).toEqual({ a: 'supplier_accepted' })

  const granted = after(hoped, { type: 'granted', id: 1, order: pizza('a', 'supplier_accepted') })
  expect(statuses(granted)).toEqual({ a: 'supplier_accepted' })
  expect(after(granted, received(event(6, 'a', 'supplier_accepted', 2))).hopes.size).toBe(0)

  const lost = after(hoped, received(event(6, 'a', 'supplier_rejected', 2)))
  expect(statuses(lost)).toEqual({ a: 'supplier_rejected' })
})

test('undoes a click that was refused, with the reason', () => {
  const refused = after(
    live,
    { type: 'hoped', id: 1, orderId: 'a', changes: { status: 'supplier_accepted' } },
    { type: 'refused', id: 1, text: 'it is cancelled' },
  )
  expect(statuses(refused)).toEqual({ a: 'pending_supplier' })
  expect(refused.notices).toEqual([{ id: 1, text: 'it is cancelled' }])
  expect(after(refused, { type: 'dismissed', id: 1 }).notices).toEqual([])
})

test('shows the second of two quick clicks, also while the first one is answered', () => {
  const twice = after(
    live,
    { type: 'hoped', id: 1, orderId: 'a', changes: { status: 'supplier_accepted' } },
    { type: 'hoped', id: 2, orderId: 'a', changes: { status: 'cancelled' } },
    received(event(6, 'a', 'supplier_accepted', 2)),
  )
  expect(statuses(twice)).toEqual({ a: 'cancelled' })
  expect(after(twice, received(event(7, 'a', 'cancelled', 3))).hopes.size).toBe(0)
})

test('keeps a click over a snapshot that does not know of it yet, and drops it for one that does', () => {
  const hoped = after(live, { type: 'hoped', id: 1, orderId: 'a', changes: { status: 'supplier_accepted' } })
  const same = after(hoped, closed, opened, received(snapshot(5, [['a', 'pending_supplier', 1]])))
  expect(statuses(same)).toEqual({ a: 'supplier_accepted' })
  const newer = after(hoped, closed, opened, received(snapshot(6, [['a', 'cancelled', 2]])))
  expect(statuses(newer)).toEqual({ a: 'cancelled' })
})
