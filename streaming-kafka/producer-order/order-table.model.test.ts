import { canBecome, type Order, type OrderStatus } from '@lab/common/domain/order.ts'
import { derivedId } from '@lab/common/ids.ts'
import { anOrder } from '@lab/common/testing/builders.ts'
import { everyRow } from '@lab/common/testing/every-row.ts'
import { command } from '@lab/kit/testing/command.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createOrderTable, type OrderTable } from './order-table.ts'

type Effect = (table: OrderTable) => void
interface Model {
  orders: Map<string, Order>
  /** What the log holds: a restart reads it again from its beginning. */
  log: Effect[]
}
interface Real {
  table: OrderTable
}

const ids = Array.from({ length: 6 }, (_, n) => derivedId('order', String(n)))
const id = fc.constantFrom(...ids)

function agree({ orders }: Model, { table }: Real): void {
  expect(everyRow(table)).toEqual([...orders.values()])
  expect(table.size).toBe(orders.size)
  for (const order_id of ids) expect(table.get(order_id)).toEqual(orders.get(order_id))
}

const place = (order: Order) =>
  command<Model, Real>(`place ${order.quantity} ${order.item} as ${order.order_id}`, (model, real) => {
    expect(real.table.place(order)).toBe(!model.orders.has(order.order_id))
    if (!model.orders.has(order.order_id)) model.orders.set(order.order_id, order)
    model.log.push((table) => void table.place(order))
    agree(model, real)
  })

const advance = (order_id: string, status: OrderStatus) =>
  command<Model, Real>(`${order_id} becomes ${status}`, (model, real) => {
    const order = model.orders.get(order_id)
    const reason = status === 'failed' ? ('out_of_stock' as const) : undefined
    const moves = order !== undefined && canBecome(order.status, status)
    expect(real.table.advance(order_id, status, reason)).toBe(moves)
    if (moves) model.orders.set(order_id, { ...order, status, ...(reason && { reason }) })
    // A decision brings its order along, so the log holds none of an order that is not there.
    if (order) model.log.push((table) => void table.advance(order_id, status, reason))
    agree(model, real)
  })

/** Restarts `times` over: a log that is read again changes nothing. */
const restart = (times: number) =>
  command<Model, Real>(`a kill, and the log is read ${times} times`, (model, real) => {
    real.table = createOrderTable()
    for (let n = 0; n < times; n++) for (const effect of model.log) effect(real.table)
    agree(model, real)
  })

test('the order table agrees with a map, through repeats and restarts from the log', () => {
  const order = id.map((order_id, n = ids.indexOf(order_id)) => anOrder({ order_id, quantity: n + 1 }))
  // What inventory decides; no other status reaches this log.
  const status = fc.constantFrom('reserved' as const, 'failed' as const)
  const commands = fc.commands(
    [
      order.map(place),
      fc.tuple(id, status).map((args) => advance(...args)),
      fc.tuple(id, status).map((args) => advance(...args)),
      fc.constantFrom(1, 2).map(restart),
    ],
    { maxCommands: 60, size: 'max' },
  )
  fc.assert(
    fc.property(commands, (commands) => {
      const model: Model = { orders: new Map(), log: [] }
      fc.modelRun(() => ({ model, real: { table: createOrderTable() } }), commands)
    }),
  )
})
