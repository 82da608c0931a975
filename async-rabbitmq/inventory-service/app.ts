import { OrderPlaced } from '@lab/common/domain/events.ts'
import { Stock } from '@lab/common/domain/stock.ts'
import type { Door } from '@lab/common/kit/door.ts'
import { Faults } from '@lab/common/kit/faults.ts'
import { createHttpApp } from '@lab/common/kit/http.ts'
import type { Logger } from '@lab/common/kit/log.ts'
import { createMetrics } from '@lab/common/kit/metrics.ts'
import { serviceRoutes } from '@lab/common/kit/service-routes.ts'
import type { Store } from '@lab/common/kit/store.ts'
import type { Broker } from '../broker/connection.ts'
import { createConsumer } from '../broker/consumer.ts'
import type { StockOwner } from '../broker/stock-owner.ts'
import { INVENTORY_QUEUE } from '../broker/topology.ts'
import { createOutbox } from '../outbox/outbox.ts'
import { createRelay, FLUSH_TIMEOUT_MS } from '../outbox/relay.ts'
import { createInbox, startPruning } from './inbox.ts'
import { onOrderPlaced } from './on-order-placed.ts'
import { createShelf } from './shelf.ts'

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
}

/** The inventory service, deciding whenever it owns the stock. It closes its broker and store with itself. */
export async function buildApp(deps: AppDeps) {
  const { service, log, store, broker, owner, prefetch, window, stock, door } = deps
  const metrics = createMetrics(service)
  const faults = new Faults()
  const shelf = createShelf(store, stock)
  const inbox = createInbox(store)
  const outbox = createOutbox(store)
  const now = Date.now
  const relay = createRelay({ broker, outbox, window, metrics, log })
  const consumer = createConsumer({
    broker,
    queue: INVENTORY_QUEUE,
    prefetch,
    schema: OrderPlaced,
    handle: onOrderPlaced({ store, inbox, shelf, outbox, relay, metrics, log, now }),
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
    service,
    description:
      'Consumes OrderPlaced, moves stock and announces what it decided. HTTP is for inspection only.',
    log,
    metrics,
    door,
  })
  const readiness = () => ({ broker: broker.state(), owner: owner.state(), consumer: consumer.state() })
  const health = () => ({ outbox: outbox.depth() })
  await app.register(serviceRoutes({ service, faults, metrics, readiness, health }))
  app.get('/stock', { schema: { response: { 200: Stock } } }, async () => shelf.left())

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
