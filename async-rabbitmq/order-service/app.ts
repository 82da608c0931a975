import { InventoryEvent } from '@lab/common/domain/events.ts'
import type { Door } from '@lab/common/kit/door.ts'
import { Faults } from '@lab/common/kit/faults.ts'
import { createHttpApp } from '@lab/common/kit/http.ts'
import type { Logger } from '@lab/common/kit/log.ts'
import { createMetrics } from '@lab/common/kit/metrics.ts'
import { orderRoutes } from '@lab/common/kit/order-routes.ts'
import { createOrderStore } from '@lab/common/kit/order-store.ts'
import { OrderStream } from '@lab/common/kit/order-stream.ts'
import { serviceRoutes } from '@lab/common/kit/service-routes.ts'
import type { Store } from '@lab/common/kit/store.ts'
import type { Broker } from '../broker/connection.ts'
import { createConsumer } from '../broker/consumer.ts'
import { ORDER_STATUS_QUEUE } from '../broker/topology.ts'
import { createOutbox } from '../outbox/outbox.ts'
import { createRelay, FLUSH_TIMEOUT_MS } from '../outbox/relay.ts'
import { onInventoryDecided } from './on-inventory-decided.ts'
import { orderRoute } from './order-route.ts'
import { placeOrders } from './place-orders.ts'

export interface AppDeps {
  service: string
  log: Logger
  store: Store
  broker: Broker
  prefetch: number
  /** Events that may be published and not yet confirmed. */
  window: number
  outboxLimit: number
  streamClients?: number | undefined
  door?: Door | undefined
}

/** The order service, publishing and consuming whenever there is a broker. It closes its broker and store with itself. */
export async function buildApp(deps: AppDeps) {
  const { service, log, store, broker, prefetch, window, outboxLimit, streamClients, door } = deps
  const metrics = createMetrics(service)
  const faults = new Faults()
  const stream = new OrderStream(streamClients)
  const orders = createOrderStore(store)
  const outbox = createOutbox(store)
  const now = Date.now
  const relay = createRelay({ broker, outbox, window, metrics, log })
  const consumer = createConsumer({
    broker,
    queue: ORDER_STATUS_QUEUE,
    prefetch,
    schema: InventoryEvent,
    handle: onInventoryDecided({ store, orders, stream, metrics, log, now }),
    faults,
    metrics,
    log,
  })
  broker.onConnected(async (connection) => {
    await relay.attach(connection)
    await consumer.attach(connection)
  })

  const app = await createHttpApp({
    service,
    description: 'Accepts an order at once and announces it on orders_exchange; inventory decides it later.',
    log,
    metrics,
    door,
  })
  const readiness = () => ({ broker: broker.state(), consumer: consumer.state() })
  const health = () => ({ outbox: outbox.depth() })
  await app.register(serviceRoutes({ service, faults, metrics, readiness, health }))
  const place = placeOrders({ store, orders, outbox, outboxLimit, relay, stream, metrics, log, now })
  await app.register(orderRoute({ orders, place, faults }))
  await app.register(orderRoutes({ orders, stream }))

  // Fastify runs onClose once no request is in flight. Intake ends first, the store last: everything writes to it.
  app.addHook('onClose', async () => {
    await consumer.stop()
    await relay.flush(FLUSH_TIMEOUT_MS)
    await broker.close()
    store.close()
  })
  return app
}
