import { InventoryReserved } from '@lab/common/domain/events.ts'
import { notificationList } from '@lab/common/notification-list.ts'
import { createNotificationStore } from '@lab/common/notification-store.ts'
import type { Door } from '@lab/kit/door.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import type { Store } from '@lab/kit/store.ts'
import type { Broker } from '../broker/connection.ts'
import { createConsumer } from '../broker/consumer.ts'
import { NOTIFICATION_QUEUE } from '../broker/topology.ts'
import { onInventoryReserved } from './on-inventory-reserved.ts'

export interface AppDeps {
  service: string
  log: Logger
  store: Store
  broker: Broker
  prefetch: number
  door?: Door | undefined
  peers?: Record<string, string>
}

/** The notification service, consuming whenever there is a broker. It closes its broker and store with itself. */
export async function buildApp({ service, log, store, broker, prefetch, door, peers }: AppDeps) {
  const metrics = createMetrics(service)
  const faults = new Faults()
  const notifications = createNotificationStore(store)
  const consumer = createConsumer({
    broker,
    queue: NOTIFICATION_QUEUE,
    prefetch,
    schema: InventoryReserved,
    handle: onInventoryReserved({ store, notifications, metrics, log, now: Date.now }),
    faults,
    metrics,
    log,
  })
  broker.onConnected((connection) => consumer.attach(connection))

  const app = await createHttpApp({
    part: 'async-rabbitmq',
    service,
    description: 'Consumes InventoryReserved and notifies each order once. HTTP is for inspection only.',
    log,
    metrics,
    faults,
    peers,
    door,
  })
  const readiness = () => ({ broker: broker.state(), consumer: consumer.state() })
  await app.register(serviceRoutes({ service, faults, metrics, readiness }))
  await app.register(notificationList(notifications))

  // Intake ends first, the store last: everything writes to it.
  app.addHook('onClose', async () => {
    await consumer.stop()
    await broker.close()
    store.close()
  })
  return app
}
