import { InventoryReserved } from '@lab/common/domain/events.ts'
import type { Door } from '@lab/common/kit/door.ts'
import { Faults } from '@lab/common/kit/faults.ts'
import { createHttpApp } from '@lab/common/kit/http.ts'
import { streamJsonArray } from '@lab/common/kit/json-array.ts'
import type { Logger } from '@lab/common/kit/log.ts'
import { createMetrics } from '@lab/common/kit/metrics.ts'
import { createNotificationStore, Notification } from '@lab/common/kit/notification-store.ts'
import { serviceRoutes } from '@lab/common/kit/service-routes.ts'
import type { Store } from '@lab/common/kit/store.ts'
import { z } from 'zod'
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
}

/** The notification service, consuming whenever there is a broker. It closes its broker and store with itself. */
export async function buildApp({ service, log, store, broker, prefetch, door }: AppDeps) {
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
    service,
    description: 'Consumes InventoryReserved and notifies each order once. HTTP is for inspection only.',
    log,
    metrics,
    door,
  })
  const readiness = () => ({ broker: broker.state(), consumer: consumer.state() })
  await app.register(serviceRoutes({ service, faults, metrics, readiness }))
  app.get(
    '/notifications',
    { schema: { response: { 200: z.array(Notification) } } },
    async (_request, reply) =>
      reply.type('application/json').send(streamJsonArray(notifications.pages()) as never),
  )

  // Intake ends first, the store last: everything writes to it.
  app.addHook('onClose', async () => {
    await consumer.stop()
    await broker.close()
    store.close()
  })
  return app
}
