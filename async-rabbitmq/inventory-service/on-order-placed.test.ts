import { MAX_QUANTITY } from '@lab/common/domain/order.ts'
import type { Stock } from '@lab/common/domain/stock.ts'
import { anOrder, anOrderPlaced } from '@lab/common/testing/builders.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { ack, duplicate } from '@lab/kit/outcome.ts'
import { openStore } from '@lab/kit/store.ts'
import pino from 'pino'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createOutbox } from '../outbox/outbox.ts'
import { createInbox } from './inbox.ts'
import { onOrderPlaced } from './on-order-placed.ts'
import { INVENTORY_SCHEMA } from './schema.ts'
import { createStockStore } from './stock-store.ts'

function setup(stock: Partial<Stock> = {}) {
  const store = openStore('inventory', undefined, INVENTORY_SCHEMA)
  onTestFinished(() => void store.close())
  const stockStore = createStockStore(store, { burger: 100, pizza: 100, salad: 100, ...stock })
  const outbox = createOutbox(store)
  const relay = { wake: vi.fn() }
  const handle = onOrderPlaced({
    store,
    stockStore,
    outbox,
    relay,
    inbox: createInbox(store),
    metrics: createMetrics('inventory-service'),
    log: pino({ level: 'silent' }),
    now: Date.now,
  })
  const announced = () => outbox.after(0, 1_000).map(({ body }) => JSON.parse(body))
  return { handle, stockStore, announced, relay, outbox }
}

describe('inventory-service on order.placed', () => {
  test('moves stock and announces the decision of each order in a batch', () => {
    const { handle, stockStore, announced, relay } = setup({ pizza: 1 })
    const orders = [
      anOrder({ item: 'burger', quantity: 3 }),
      anOrder({ item: 'pizza', quantity: 1 }),
      anOrder({ item: 'pizza', quantity: 1 }),
    ]

    expect(handle(orders.map((order) => anOrderPlaced(order)))).toEqual([ack(), ack(), ack()])
    expect(stockStore.left()).toEqual({ burger: 97, pizza: 0, salad: 100 })
    expect(announced()).toMatchObject([
      { type: 'InventoryReserved', subject: orders[0]?.order_id, data: { status: 'reserved', quantity: 3 } },
      { type: 'InventoryReserved', subject: orders[1]?.order_id },
      { type: 'InventoryFailed', subject: orders[2]?.order_id, data: { reason: 'out_of_stock' } },
    ])
    expect(relay.wake).toHaveBeenCalled()
  })

  test('does nothing for a message it has seen, in another batch or in the same', () => {
    const { handle, stockStore, announced } = setup()
    const event = anOrderPlaced(anOrder({ quantity: 5 }))

    expect(handle([event, event])).toEqual([ack(), duplicate()])
    expect(handle([event])).toEqual([duplicate()])
    expect(stockStore.left().burger).toBe(95)
    expect(announced()).toHaveLength(1)
  })

  test('decides an order once, also when another message id announces it', () => {
    const { handle, stockStore } = setup()
    const order = anOrder({ quantity: 5 })
    handle([anOrderPlaced(order)])

    expect(handle([anOrderPlaced(order, { id: crypto.randomUUID() })])).toEqual([duplicate()])
    expect(stockStore.left().burger).toBe(95)
  })

  test('changes nothing when the batch fails half way', () => {
    const { handle, stockStore, announced } = setup()
    const good = anOrderPlaced(anOrder({ quantity: MAX_QUANTITY }))

    expect(() => handle([good, null as never])).toThrow()
    expect(stockStore.left().burger).toBe(100)
    expect(announced()).toEqual([])
  })
})
