import type { Door } from '@lab/kit/door.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import type { Db } from '../../shared/db/db.ts'
import { maintenanceRoutes } from '../../shared/db/maintenance.ts'
import { keepMigrating } from '../../shared/db/migrate.ts'
import { newEvent, OrderEvent, TOPICS } from '../../shared/events/events.ts'
import { guarded } from '../../shared/identity/guard.ts'
import { createServiceSigner } from '../../shared/identity/identity.ts'
import type { KafkaSettings } from '../../shared/kafka/client.ts'
import { runConsumer } from '../../shared/kafka/consumer.ts'
import { startRelay } from '../../shared/kafka/relay.ts'
import type { Config } from './config.ts'
import { createOrders } from './orders.ts'
import { openQuotes } from './quote.ts'
import { orderRoutes } from './routes.ts'

export interface AppDeps {
  service: string
  config: Config
  log: Logger
  db: Db
  kafka: KafkaSettings
  door?: Door | undefined
}

/** The orders: placed here, followed from what kitchens say. It closes what it uses with itself. */
export async function buildApp({ service, config, log, db, kafka, door }: AppDeps) {
  const metrics = createMetrics(service)
  const faults = new Faults()
  const migrating = keepMigrating(db, service, { skip: config.SKIP_MIGRATIONS, log })
  const relay = startRelay(db, kafka, metrics)
  const sign = createServiceSigner(config.GATEWAY_SECRET, service)
  const quotes = openQuotes(config.RESTAURANT_SERVICE_URL, config.QUOTE_TIMEOUT_MS, sign)
  const orders = createOrders({
    db,
    quotes,
    consumer: service,
    placed: (data, traceparent) => {
      const about = { source: service, subject: data.order_id, traceparent }
      const event = newEvent({ type: 'order.placed', ...about, data })
      return { topic: TOPICS.order, key: data.order_id, event }
    },
    cancelled: (order_id, updated_at, traceparent) => {
      const about = { source: service, subject: order_id, traceparent }
      const data = { order_id, status: 'cancelled', updated_at } as const
      const event = newEvent({ type: 'order.status_updated', ...about, data })
      return { topic: TOPICS.order, key: order_id, event }
    },
  })
  const consumer = runConsumer<OrderEvent>(kafka, {
    groupId: service,
    topics: { [TOPICS.order]: OrderEvent },
    onEvents: (batch) => orders.follow(batch.map(({ event }) => event)),
    faults,
    metrics,
  })

  const app = await createHttpApp({
    part: 'platform-restman',
    service,
    log,
    metrics,
    faults,
    peers: config.PEERS,
    door,
    description: 'Takes orders at the prices of the menu, and follows them to their end.',
  })
  const readiness = () => ({
    database: migrating.state(),
    kafka: consumer.state(),
    outbox: relay.state(),
  })
  await app.register(serviceRoutes({ service, faults, metrics, readiness, alive: 'healthy' }))
  const clean = async (hours: number) => ({ keys: await orders.forgetKeys(hours) })
  await app.register(
    guarded(config.GATEWAY_SECRET, orderRoutes({ orders, pump: relay.pump }), maintenanceRoutes(db, clean)),
  )

  app.addHook('onClose', async () => {
    await consumer.close()
    await Promise.all([relay.close(), migrating.close(), quotes.close()])
    await db.close()
  })
  return app
}
