import { InventoryEvent } from '@lab/common/domain/events.ts'
import { orderRoutes } from '@lab/common/order-routes.ts'
import { createOrderStore } from '@lab/common/order-store.ts'
import { OrderStream } from '@lab/common/order-stream.ts'
import type { Door } from '@lab/kit/door.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import type { Store } from '@lab/kit/store.ts'
import type { Broker } from '../broker/connection.ts'
import { createConsumer } from '../broker/consumer.ts'
import { watchDeadLetters } from '../broker/dead-letter-watch.ts'
import { ORDER_STATUS_QUEUE } from '../broker/topology.ts'
import { createOutbox } from '../outbox/outbox.ts'
import { createRelay, FLUSH_TIMEOUT_MS } from '../outbox/relay.ts'
import { deadLetterRoute } from './dead-letter-route.ts'
import { createDeadLetters } from './dead-letters.ts'
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
  peers?: Record<string, string>
}

/** The order service, publishing and consuming whenever there is a broker. It closes its broker and store with itself. */
export async function buildApp(deps: AppDeps) {
  const { service, log, store, broker, prefetch, window, outboxLimit, streamClients, door, peers } = deps
  const metrics = createMetrics(service)
  const faults = new Faults()
  const stream = new OrderStream(streamClients)
  const orders = createOrderStore(store)
  const now = Date.now
  const deadLetters = createDeadLetters(store, orders, now)
  const outbox = createOutbox(store)
  const relay = createRelay({ broker, outbox, window, metrics, log })
  const consumer = createConsumer({
    broker,
    queue: ORDER_STATUS_QUEUE,
    prefetch,
    schema: InventoryEvent,
    handle: onInventoryDecided({ store, orders, deadLetters, stream, metrics, log, now }),
    faults,
    metrics,
    log,
  })
  const watch = watchDeadLetters({ broker, handle: deadLetters.note, now, log })
  metrics.gauge('lab_orders_dead_lettered', 'Dead letters that an order waits for', deadLetters.count)
  broker.onConnected(async (connection) => {
    await relay.attach(connection)
    await consumer.attach(connection)
    await watch.attach(connection)
  })

  const app = await createHttpApp({
    part: 'async-rabbitmq',
    service,
    description: 'Accepts an order at once and announces it on orders_exchange; inventory decides it later.',
    log,
    metrics,
    faults,
    peers,
    door,
  })
  const readiness = () => ({ broker: broker.state(), consumer: consumer.state() })
  const health = () => ({ outbox: outbox.depth(), dead_letters: deadLetters.count() })
  await app.register(serviceRoutes({ service, faults, metrics, readiness, health }))
  const place = placeOrders({ store, orders, outbox, outboxLimit, relay, stream, metrics, log, now })
  await app.register(orderRoute({ orders, place }))
  await app.register(orderRoutes({ orders, stream, deadLetterOf: deadLetters.of }))
  await app.register(deadLetterRoute(deadLetters.handled))

  // Fastify runs onClose once no request is in flight. Intake ends first, the store last: everything writes to it.
  app.addHook('onClose', async () => {
    watch.stop()
    await consumer.stop()
    await relay.flush(FLUSH_TIMEOUT_MS)
    await broker.close()
    store.close()
  })
  return app
}
