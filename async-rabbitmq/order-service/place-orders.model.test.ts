import { derivedId } from '@lab/common/ids.ts'
import { createOrderStore, ORDERS_SCHEMA } from '@lab/common/order-store.ts'
import { OrderStream } from '@lab/common/order-stream.ts'
import { everyRow } from '@lab/common/testing/every-row.ts'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import type { Store } from '@lab/kit/store.ts'
import { asyncCommand } from '@lab/kit/testing/command.ts'
import { crashingStore } from '@lab/kit/testing/crashing-store.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createOutbox, OUTBOX_SCHEMA } from '../outbox/outbox.ts'
import { type Placement, placeOrders } from './place-orders.ts'

/** Orders the client holds an answer for. */
type Model = Set<string>
type KillAt = 'before commit' | 'after commit'
interface Real {
  place: (placement: Placement) => Promise<unknown>
  orderIds: () => string[]
  announcedIds: () => string[]
  killAt: (when: KillAt) => void
  restart: () => void
}

const ids = Array.from({ length: 12 }, (_, n) => derivedId('order', String(n)))
const placement = (order_id: string): Placement => ({
  order_id,
  item: 'salad',
  quantity: 1,
  traceparent: 'x',
})
const batch = fc.uniqueArray(fc.constantFrom(...ids), { minLength: 1, maxLength: 4 })
const metrics = createMetrics('test')
const stream = new OrderStream()
const log = createLog('test', 'silent')

/** An order exists if and only if the event that announces it does; none that was acknowledged is missing. */
function agree(acknowledged: Model, { orderIds, announcedIds }: Real): void {
  expect(announcedIds()).toEqual(orderIds())
  expect(new Set(orderIds()).isSupersetOf(acknowledged)).toBe(true)
}

const placeAll = (real: Real, order_ids: string[]) =>
  Promise.allSettled(order_ids.map((order_id) => real.place(placement(order_id))))

const place = (order_ids: string[]) =>
  asyncCommand<Model, Real>(`place ${order_ids.length} at once`, async (model, real) => {
    const results = await placeAll(real, order_ids)
    for (const [i, { status }] of results.entries()) if (status === 'fulfilled') model.add(order_ids[i]!)
    agree(model, real)
  })

const kill = (order_ids: string[], when: KillAt) =>
  asyncCommand<Model, Real>(`a kill ${when} of ${order_ids.length}`, async (model, real) => {
    real.killAt(when)
    expect((await placeAll(real, order_ids)).map(({ status }) => status)).not.toContain('fulfilled')
    real.restart()
    agree(model, real)
  })

test('an order and its announcement are stored together or not at all, whenever the process is killed', async () => {
  const killedAt = fc.constantFrom<KillAt>('before commit', 'after commit')
  const commands = fc.commands(
    [batch.map(place), batch.map(place), fc.tuple(batch, killedAt).map((args) => kill(...args))],
    { maxCommands: 15, size: 'max' },
  )
  await fc.assert(
    fc.asyncProperty(commands, async (commands) => {
      using file = crashingStore('orders', ORDERS_SCHEMA + OUTBOX_SCHEMA)
      const real = open(file.current(), file.crash)
      await fc.asyncModelRun(() => ({ model: new Set<string>(), real }), commands)
    }),
    { numRuns: 60 },
  )
})

function open(first: Store, crash: () => Store): Real {
  let killed: KillAt | undefined
  const die = (store: Store, when: KillAt) => {
    if (killed !== when) return
    store.close()
    throw new Error('killed')
  }
  const onStore = (store: Store) => {
    const transaction: Store['transaction'] = (work) => {
      const result = store.transaction(() => {
        const result = work()
        die(store, 'before commit')
        return result
      })
      die(store, 'after commit')
      return result
    }
    const [orders, outbox] = [createOrderStore(store), createOutbox(store)]
    const relay = { wake: () => {} }
    const deps = { orders, outbox, outboxLimit: 1_000, relay, stream, metrics, log, now: Date.now }
    return {
      place: placeOrders({ ...deps, store: { ...store, transaction } }),
      orderIds: () => everyRow(orders).map(({ order_id }) => order_id),
      announcedIds: () => outbox.after(0, 1_000).map(({ order_id }) => order_id),
    }
  }
  const real: Real = {
    ...onStore(first),
    killAt: (when) => {
      killed = when
    },
    restart: () => {
      killed = undefined
      Object.assign(real, onStore(crash()))
    },
  }
  return real
}
