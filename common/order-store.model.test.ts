import type { Store } from '@lab/kit/store.ts'
import { command } from '@lab/kit/testing/command.ts'
import { crashingStore } from '@lab/kit/testing/crashing-store.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canBecome, type Order, OrderStatus } from './domain/order.ts'
import { derivedId } from './ids.ts'
import { createOrderStore, ORDERS_SCHEMA, type OrderStore } from './order-store.ts'
import { anOrder } from './testing/builders.ts'
import { everyRow } from './testing/every-row.ts'

/** The orders in the order they were placed. */
type Model = Map<string, Order>
interface Real {
  store: Store
  orders: OrderStore
  crash: () => void
}

const ids = Array.from({ length: 6 }, (_, n) => derivedId('order', String(n)))
const id = fc.constantFrom(...ids)
const status = fc.constantFrom(...OrderStatus.options)
const reasonOf = (to: OrderStatus) => (to === 'failed' ? ('out_of_stock' as const) : undefined)

function agree(model: Model, { orders }: Real): void {
  expect(everyRow(orders)).toEqual([...model.values()])
  for (const order_id of ids) expect(orders.get(order_id)).toEqual(model.get(order_id))
}

const place = (order_id: string) =>
  command<Model, Real>(`place ${order_id}`, (model, real) => {
    const order = anOrder({ order_id })
    const insert = () => real.store.transaction(() => real.orders.insert(order))
    if (model.has(order_id)) expect(insert).toThrow()
    else {
      insert()
      model.set(order_id, order)
    }
    agree(model, real)
  })

const advance = (order_id: string, to: OrderStatus) =>
  command<Model, Real>(`${order_id} becomes ${to}`, (model, real) => {
    const order = model.get(order_id)
    const moves = order !== undefined && canBecome(order.status, to)

    expect(real.orders.advance(order_id, to, reasonOf(to))).toBe(moves)
    if (moves)
      model.set(order_id, { ...order, status: to, ...(to === 'failed' && { reason: 'out_of_stock' }) })
    agree(model, real)
  })

const abort = (order_id: string, to: OrderStatus) =>
  command<Model, Real>(`a transaction that moves ${order_id} to ${to} and fails`, (model, real) => {
    const failing = () =>
      real.store.transaction(() => {
        real.orders.advance(order_id, to)
        throw new Error('failed')
      })
    expect(failing).toThrow('failed')
    agree(model, real)
  })

const killInTransaction = (order_id: string, to: OrderStatus) =>
  command<Model, Real>(`a kill while ${order_id} moves to ${to}`, (model, real) => {
    real.store.db.exec('BEGIN IMMEDIATE')
    real.orders.advance(order_id, to)
    real.crash()
    agree(model, real)
  })

const kill = () =>
  command<Model, Real>('a kill', (model, real) => {
    real.crash()
    agree(model, real)
  })

test('the order store agrees with a map, through repeats, failed transactions and kills', () => {
  const commands = fc.commands(
    [
      id.map(place),
      fc.tuple(id, status).map((args) => advance(...args)),
      fc.tuple(id, status).map((args) => advance(...args)),
      fc.tuple(id, status).map((args) => abort(...args)),
      fc.tuple(id, status).map((args) => killInTransaction(...args)),
      fc.constant(kill()),
    ],
    { maxCommands: 40 },
  )
  fc.assert(
    fc.property(commands, (commands) => {
      using file = crashingStore('orders', ORDERS_SCHEMA)
      const open = (store: Store) => ({ store, orders: createOrderStore(store) })
      const real: Real = { ...open(file.current()), crash: () => Object.assign(real, open(file.crash())) }
      fc.modelRun(() => ({ model: new Map() as Model, real }), commands)
    }),
    { numRuns: 60 },
  )
})
