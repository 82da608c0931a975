import type { PlaceOrder } from '@lab/common/domain/order.ts'
import { newOrderId } from '@lab/common/ids.ts'
import { OrderStream } from '@lab/common/order-stream.ts'
import { everyRow } from '@lab/common/testing/every-row.ts'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { asyncCommand } from '@lab/kit/testing/command.ts'
import { crashingStore } from '@lab/kit/testing/crashing-store.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createOrders, type Orders, SCHEMA } from './orders.ts'
import { createPlaceOrder } from './place-order.ts'
import { startSettler } from './settle.ts'
import type { Reply, Upstream } from './upstream.ts'

const INITIAL = 30
const log = createLog('test', 'silent')
const stream = new OrderStream()
const metrics = createMetrics('test')
/** The settler runs when the test says so. */
const UNWATCHED = { onUnknown: () => {}, onUndecided: () => {} }

/** What becomes of a call: whether it reaches inventory, now or only later, and what the caller hears of it. */
const FATES = {
  answered: { arrives: 'now', hears: undefined },
  'answer lost': { arrives: 'now', hears: { kind: 'timeout' } },
  'connection broken after it': { arrives: 'now', hears: { kind: 'broken', cause: new Error('reset') } },
  'answered 500 after it': { arrives: 'now', hears: { kind: 'answered', status: 500, text: '' } },
  'call lost': { arrives: 'never', hears: { kind: 'timeout' } },
  'nobody there': { arrives: 'never', hears: { kind: 'unreachable', cause: new Error('refused') } },
  'still on the way': { arrives: 'later', hears: { kind: 'timeout' } },
} as const satisfies Record<string, { arrives: 'now' | 'later' | 'never'; hears: Reply | undefined }>
type Fate = keyof typeof FATES
const FATE_NAMES = Object.keys(FATES) as Fate[]

/** Inventory, as far as it matters here: what it holds for whom, and who may not come any more. */
class Inventory {
  left = INITIAL
  readonly held = new Map<string, number>()
  readonly #closed = new Set<string>()
  readonly #onTheWay: (() => void)[] = []

  post(path: string, body: unknown, fate: Fate): Reply {
    const { arrives, hears } = FATES[fate]
    const call = () => this.#call(path, body as { order_id: string; quantity: number })
    if (arrives === 'later') this.#onTheWay.push(call)
    const reply = arrives === 'now' ? call() : undefined
    return hears ?? (reply as Reply)
  }

  arriveAll(): void {
    for (const call of this.#onTheWay.splice(0)) call()
  }

  #call(path: string, { order_id, quantity }: { order_id: string; quantity: number }): Reply {
    if (path === '/release') {
      this.left += this.held.get(order_id) ?? 0
      this.held.delete(order_id)
      this.#closed.add(order_id)
      return { kind: 'answered', status: 200, text: '{"released":true}' }
    }
    if (this.#closed.has(order_id) || quantity > this.left)
      return { kind: 'answered', status: 409, text: '{"status":"failed","reason":"out_of_stock"}' }
    this.left -= quantity
    this.held.set(order_id, quantity)
    return { kind: 'answered', status: 200, text: '{"status":"reserved"}' }
  }
}

interface Model {
  /** What the customer was told of each order. */
  told: Map<string, string>
  quantities: Map<string, number>
}
interface Real {
  inventory: Inventory
  orders: Orders
  crash: () => void
}

const notificationOf = (isThere: boolean): Pick<Upstream, 'post'> => ({
  post: async () => (isThere ? { kind: 'answered', status: 200, text: '{}' } : { kind: 'timeout' }),
})

const place = (command: PlaceOrder, fate: Fate, isNotified: boolean) =>
  asyncCommand<Model, Real>(`place ${command.quantity}: ${fate}`, async (model, real) => {
    const order_id = newOrderId()
    const inventory = { post: async (path: string, body: unknown) => real.inventory.post(path, body, fate) }
    const notification = notificationOf(isNotified)
    const run = createPlaceOrder({ orders: real.orders, inventory, notification, ...UNWATCHED, log })
    model.quantities.set(order_id, command.quantity)
    model.told.set(order_id, (await run(command, order_id)).status)
  })

/** The process is gone while inventory has the call; what it had stored is `placed`. */
const killWhileReserving = (command: PlaceOrder, fate: Fate) =>
  asyncCommand<Model, Real>(`a kill while ${command.quantity} are reserved: ${fate}`, async (model, real) => {
    const order_id = newOrderId()
    const dies = async (path: string, body: unknown): Promise<Reply> => {
      real.inventory.post(path, body, fate)
      throw new Error('killed')
    }
    const run = createPlaceOrder({
      orders: real.orders,
      inventory: { post: dies },
      notification: notificationOf(true),
      ...UNWATCHED,
      log,
    })
    model.quantities.set(order_id, command.quantity)
    await expect(run(command, order_id)).rejects.toThrow('killed')
    real.crash()
  })

const kill = () => asyncCommand<Model, Real>('a kill', async (_, { crash }) => crash())

const arrive = () =>
  asyncCommand<Model, Real>('what is on the way arrives', async (_, real) => real.inventory.arriveAll())

/** One round of the settler over everything unsettled; each release has its own fate. */
async function settleOnce({ orders, inventory }: Real, fates: Fate[]): Promise<void> {
  let n = 0
  const post = async (path: string, body: unknown) =>
    inventory.post(path, body, fates[n++ % fates.length] as Fate)
  await startSettler({ orders, inventory: { post }, log }).stop()
}

const settle = (fates: Fate[]) =>
  asyncCommand<Model, Real>(`settle: ${fates}`, (_, real) => settleOnce(real, fates))

/** Once inventory answers and nothing is on the way, stock and orders tell the same story. */
async function agreeInTheEnd(model: Model, real: Real): Promise<void> {
  await settleOnce(real, ['answered'])
  real.inventory.arriveAll()

  expect(real.orders.countUnsettled()).toBe(0)
  let reserved = 0
  for (const { order_id, status } of everyRow(real.orders)) {
    const isReserved = status === 'reserved' || status === 'notified'
    expect([order_id, isReserved || status === 'failed']).toEqual([order_id, true])
    expect([order_id, real.inventory.held.has(order_id)]).toEqual([order_id, isReserved])
    const told = model.told.get(order_id)
    expect([order_id, status]).toEqual([order_id, told === 'timeout' || !told ? 'failed' : told])
    if (isReserved) reserved += model.quantities.get(order_id) ?? Number.NaN
  }
  expect(real.inventory.left + reserved).toBe(INITIAL)
}

test('stock never leaks, whatever becomes of calls, answers and the process', async () => {
  const order: fc.Arbitrary<PlaceOrder> = fc.record({
    item: fc.constant('pizza' as const),
    quantity: fc.integer({ min: 1, max: 12 }),
  })
  const fate = fc.constantFrom(...FATE_NAMES)
  const commands = fc.commands(
    [
      fc.tuple(order, fate, fc.boolean()).map((args) => place(...args)),
      fc.tuple(order, fate, fc.boolean()).map((args) => place(...args)),
      fc.tuple(order, fate).map((args) => killWhileReserving(...args)),
      fc.array(fate, { minLength: 1, maxLength: 4 }).map(settle),
      fc.constant(arrive()),
      fc.constant(kill()),
    ],
    { maxCommands: 25, size: 'max' },
  )
  await fc.assert(
    fc.asyncProperty(commands, async (commands) => {
      using file = crashingStore('orders', SCHEMA)
      const open = () => createOrders(file.current(), { stream, metrics })
      const crash = () => {
        file.crash()
        real.orders = open()
      }
      const real: Real = { inventory: new Inventory(), orders: open(), crash }
      const model: Model = { told: new Map(), quantities: new Map() }
      await fc.asyncModelRun(() => ({ model, real }), commands)
      await agreeInTheEnd(model, real)
    }),
    { numRuns: 60 },
  )
})
