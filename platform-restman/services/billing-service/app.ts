import type { Door } from '@lab/kit/door.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import type { Db } from '../../shared/db/db.ts'
import { maintenanceRoutes } from '../../shared/db/maintenance.ts'
import { keepMigrating } from '../../shared/db/migrate.ts'
import { addToOutbox } from '../../shared/db/outbox.ts'
import { newEvent, OrderEvent, TOPICS } from '../../shared/events/events.ts'
import { guarded } from '../../shared/identity/guard.ts'
import type { KafkaSettings } from '../../shared/kafka/client.ts'
import { runConsumer } from '../../shared/kafka/consumer.ts'
import { startRelay } from '../../shared/kafka/relay.ts'
import { createBills } from './bills.ts'
import type { Config } from './config.ts'
import { billingRoutes } from './routes.ts'

export interface AppDeps {
  service: string
  config: Config
  log: Logger
  db: Db
  kafka: KafkaSettings
  door?: Door | undefined
}

/** A bill for each order. It closes what it uses with itself. */
export async function buildApp({ service, config, log, db, kafka, door }: AppDeps) {
  const metrics = createMetrics(service)
  const faults = new Faults()
  const migrating = keepMigrating(db, service, { skip: config.SKIP_MIGRATIONS, log })
  const relay = startRelay(db, kafka, metrics)
  const bills = createBills({
    db,
    consumer: service,
    changed: (tx, ...changes) => {
      const events = changes.map(({ type, bill, traceparent }) => {
        const key = bill.order_id
        const event = newEvent({ type, source: service, subject: key, data: bill, traceparent })
        return { topic: TOPICS.bill, key, event }
      })
      return addToOutbox(tx, ...events)
    },
  })
  const consumer = runConsumer<OrderEvent>(kafka, {
    groupId: service,
    topics: { [TOPICS.order]: OrderEvent },
    onEvents: async (batch) => {
      await bills.take(batch.map(({ event }) => event))
      relay.pump()
    },
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
    description: 'A bill for each order, with 10 % tax, in whole cents.',
  })
  const readiness = () => ({
    database: migrating.state(),
    kafka: consumer.state(),
    outbox: relay.state(),
  })
  await app.register(serviceRoutes({ service, faults, metrics, readiness, alive: 'healthy' }))
  const routes = billingRoutes({ bills, pump: relay.pump })
  await app.register(guarded(config.GATEWAY_SECRET, routes, maintenanceRoutes(db)))

  app.addHook('onClose', async () => {
    await consumer.close()
    await Promise.all([relay.close(), migrating.close()])
    await db.close()
  })
  return app
}
