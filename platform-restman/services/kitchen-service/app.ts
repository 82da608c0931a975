import type { Door } from '@lab/kit/door.ts'
import { LabError } from '@lab/kit/errors.ts'
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
import { createServiceSigner } from '../../shared/identity/identity.ts'
import type { KafkaSettings } from '../../shared/kafka/client.ts'
import { runConsumer } from '../../shared/kafka/consumer.ts'
import { startRelay } from '../../shared/kafka/relay.ts'
import type { Mailer } from '../../shared/mail/mailer.ts'
import { addMail, startMailSender } from '../../shared/mail/outbox.ts'
import { openNeighbour } from '../../shared/neighbour/neighbour.ts'
import type { Config } from './config.ts'
import { kitchenRoutes } from './routes.ts'
import { ORDER_STATUS } from './steps.ts'
import { createTickets, readyMailOf } from './tickets.ts'

export interface AppDeps {
  service: string
  config: Config
  log: Logger
  db: Db
  kafka: KafkaSettings
  mailer: Mailer
  door?: Door | undefined
}

/** The kitchens: a ticket for each order, its steps, and the mail when it is ready. It closes what it uses with itself. */
export async function buildApp({ service, config, log, db, kafka, mailer, door }: AppDeps) {
  const metrics = createMetrics(service)
  const faults = new Faults()
  const migrating = keepMigrating(db, service, { skip: config.SKIP_MIGRATIONS, log })
  const relay = startRelay(db, kafka, metrics)
  const sender = startMailSender(db, mailer, log)
  const sign = createServiceSigner(config.GATEWAY_SECRET, service)
  const orders = openNeighbour('order-service', config.ORDER_SERVICE_URL, sign)
  const tickets = createTickets({
    db,
    consumer: service,
    async begin(orderId) {
      const { status } = await orders.call('POST', `/internal/orders/${orderId}/begin`)
      if (status < 300 || status === 409) return status < 300
      const message = `order-service, which decides, answered ${status}`
      throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', message, { retryable: true })
    },
    async moved(tx, { ticket: { order_id, status, items, updated_at }, email, traceparent }) {
      const data = { order_id, status: ORDER_STATUS[status], updated_at }
      const source = { source: service, subject: order_id, traceparent }
      const event = newEvent({ type: 'order.status_updated', ...source, data })
      await addToOutbox(tx, { topic: TOPICS.order, key: order_id, event })
      if (status === 'READY')
        await addMail(tx, {
          to: email,
          subject: 'Your order is ready',
          text: `Your order ${order_id} is ready:\n\n${items.map(({ food_name, quantity }) => `${quantity} x ${food_name}`).join('\n')}\n`,
          messageId: readyMailOf(order_id),
        })
    },
  })
  const consumer = runConsumer<OrderEvent>(kafka, {
    groupId: service,
    topics: { [TOPICS.order]: OrderEvent },
    onEvents: (batch) => tickets.take(batch.map(({ event }) => event)),
    faults,
    metrics,
  })
  const pump = () => {
    relay.pump()
    sender.pump()
  }

  const app = await createHttpApp({
    part: 'platform-restman',
    service,
    log,
    metrics,
    faults,
    peers: config.PEERS,
    door,
    description: 'A ticket for each order, its steps, and the mail to the customer when it is ready.',
  })
  const readiness = () => ({
    database: migrating.state(),
    kafka: consumer.state(),
    outbox: relay.state(),
  })
  const health = () => ({ mail: mailer.state() })
  await app.register(serviceRoutes({ service, faults, metrics, readiness, health, alive: 'healthy' }))
  await app.register(guarded(config.GATEWAY_SECRET, kitchenRoutes({ tickets, pump }), maintenanceRoutes(db)))

  app.addHook('onClose', async () => {
    await consumer.close()
    await Promise.all([relay.close(), sender.close(), migrating.close()])
    mailer.close()
    await Promise.all([orders.close(), db.close()])
  })
  return app
}
