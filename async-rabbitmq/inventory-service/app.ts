import { OrderPlaced } from '@lab/common/domain/events.ts'
import { Stock } from '@lab/common/domain/stock.ts'
import type { Door } from '@lab/kit/door.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import type { Store } from '@lab/kit/store.ts'
import type { Broker } from '../broker/connection.ts'
import { createConsumer } from '../broker/consumer.ts'
import type { StockOwner } from '../broker/stock-owner.ts'
import { INVENTORY_QUEUE } from '../broker/topology.ts'
import { createOutbox } from '../outbox/outbox.ts'
import { createRelay, FLUSH_TIMEOUT_MS } from '../outbox/relay.ts'
import { createInbox, startPruning } from './inbox.ts'
import { onOrderPlaced } from './on-order-placed.ts'
import { createStockStore } from './stock-store.ts'

export interface AppDeps {
  service: string
  log: Logger
  store: Store
  broker: Broker
  owner: StockOwner
  prefetch: number
  /** Events that may be published and not yet confirmed. */
  window: number
  /** What a new store starts with. */
  stock: Stock
  door?: Door | undefined
  peers?: Record<string, string>
}

/** The inventory service, deciding whenever it owns the stock. It closes its broker and store with itself. */
export async function buildApp(deps: AppDeps) {
  const { service, log, store, broker, owner, prefetch, window, stock, door, peers } = deps
  const metrics = createMetrics(service)
  const faults = new Faults()
  const stockStore = createStockStore(store, stock)
  const inbox = createInbox(store)
  const outbox = createOutbox(store)
  const now = Date.now
  const relay = createRelay({ broker, outbox, window, metrics, log })
  const consumer = createConsumer({
    broker,
    queue: INVENTORY_QUEUE,
    prefetch,
    schema: OrderPlaced,
    handle: onOrderPlaced({ store, inbox, stockStore, outbox, relay, metrics, log, now }),
    faults,
    metrics,
    log,
  })
  broker.onConnected(async (connection) => {
    await owner.claim(connection)
    await relay.attach(connection)
    await consumer.attach(connection)
  })
  const stopPruning = startPruning(inbox, { now, log })

  const app = await createHttpApp({
    part: 'async-rabbitmq',
    service,
    description:
      'Consumes OrderPlaced, moves stock and announces what it decided. HTTP is for inspection only.',
    log,
    metrics,
    faults,
    peers,
    door,
  })
  const readiness = () => ({ broker: broker.state(), owner: owner.state(), consumer: consumer.state() })
  const health = () => ({ outbox: outbox.depth() })
  await app.register(serviceRoutes({ service, faults, metrics, readiness, health }))
  const schema = { summary: 'What is left', tags: ['inventory'], response: { 200: Stock } }
  app.get('/stock', { schema }, async () => stockStore.left())

  // Intake ends first, the store last: everything writes to it.
  app.addHook('onClose', async () => {
    stopPruning()
    await consumer.stop()
    await relay.flush(FLUSH_TIMEOUT_MS)
    await broker.close()
    store.close()
  })
  return app
}
