import type { Door } from '@lab/kit/door.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import type { Notifications } from './notifications.ts'
import { notificationRoutes } from './routes/notifications.ts'

export interface AppDeps {
  service: string
  log: Logger
  notifications: Notifications
  door?: Door | undefined
  peers?: Record<string, string>
}

export async function buildApp({ service, log, notifications, door, peers }: AppDeps) {
  const metrics = createMetrics(service)
  const faults = new Faults()
  const app = await createHttpApp({
    part: 'sync-rest',
    service,
    description: 'Tells the customer that the order is reserved, once.',
    log,
    metrics,
    faults,
    peers,
    door,
  })
  await app.register(serviceRoutes({ service, faults, metrics, readiness: () => ({ store: 'ok' }) }))
  await app.register(notificationRoutes({ notifications }))
  return app
}
