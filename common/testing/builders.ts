import { orderPlaced } from '../domain/events.ts'
import { type Order, type PlaceOrder, placed } from '../domain/order.ts'
import { eventIdFor, newOrderId } from '../ids.ts'

export const anOrder = (overrides: Partial<Order> = {}): Order => ({
  ...placed({ item: 'burger', quantity: 1 }, newOrderId(), Date.now()),
  ...overrides,
})

export const anOrderPlaced = (
  order: Order = anOrder(),
  overrides: Partial<ReturnType<typeof orderPlaced>> = {},
) => ({
  ...orderPlaced(order, { id: eventIdFor('placed', order.order_id), source: 'test', now: Date.now() }),
  ...overrides,
})

/** Bodies that no order service may accept, with the field its answer must name. */
export const badOrders: { why: string; body: unknown; field: string }[] = [
  { why: 'an unknown item', body: { item: 'sushi', quantity: 1 }, field: 'item' },
  { why: 'a missing item', body: { quantity: 1 }, field: 'item' },
  { why: 'an item that is no text', body: { item: { name: 'burger' }, quantity: 1 }, field: 'item' },
  { why: 'a missing quantity', body: { item: 'burger' }, field: 'quantity' },
  { why: 'quantity 0', body: { item: 'burger', quantity: 0 }, field: 'quantity' },
  { why: 'quantity -1', body: { item: 'burger', quantity: -1 }, field: 'quantity' },
  { why: 'quantity 1.5', body: { item: 'burger', quantity: 1.5 }, field: 'quantity' },
  { why: 'quantity "2"', body: { item: 'burger', quantity: '2' }, field: 'quantity' },
  { why: 'quantity 10^9', body: { item: 'burger', quantity: 1e9 }, field: 'quantity' },
  { why: 'extra nesting', body: { order: { item: 'burger', quantity: 1 } }, field: 'order' },
  { why: 'an unknown key', body: { item: 'burger', quantity: 1, price: 3 }, field: 'price' },
  { why: 'an array', body: [{ item: 'burger', quantity: 1 }], field: 'body' },
  { why: 'null', body: null, field: 'body' },
] satisfies { why: string; body: unknown; field: keyof PlaceOrder | string }[]

/** Requests that are wrong before their fields are: what is sent, and the statuses that are a fair answer. */
export const badRequests: { why: string; payload: string; contentType?: string; statuses: number[] }[] = [
  { why: 'an empty body', payload: '', contentType: 'application/json', statuses: [400] },
  { why: 'broken JSON', payload: '{"item":"burger",', contentType: 'application/json', statuses: [400] },
  {
    why: 'a wrong content type',
    payload: '{"item":"burger","quantity":1}',
    contentType: 'text/plain',
    statuses: [415],
  },
  { why: 'no content type', payload: '{"item":"burger","quantity":1}', statuses: [415, 400] },
  {
    why: 'a body of 2 MiB',
    payload: JSON.stringify({ item: 'burger', quantity: 1, note: 'x'.repeat(2 * 1024 * 1024) }),
    contentType: 'application/json',
    statuses: [413],
  },
  {
    why: 'a poisoned prototype',
    payload: '{"__proto__":{"item":"burger"}}',
    contentType: 'application/json',
    statuses: [400],
  },
]
