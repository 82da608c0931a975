import type { Door } from '@lab/common/kit/door.ts'
import { Faults } from '@lab/common/kit/faults.ts'
import { createHttpApp } from '@lab/common/kit/http.ts'
import type { Logger } from '@lab/common/kit/log.ts'
import { createMetrics } from '@lab/common/kit/metrics.ts'
import { serviceRoutes } from '@lab/common/kit/service-routes.ts'
import type { Notifications } from './notifications.ts'
import { notificationRoutes } from './routes/notifications.ts'

export interface AppDeps {
  service: string
  log: Logger
  notifications: Notifications
  door?: Door | undefined
}

export async function buildApp({ service, log, notifications, door }: AppDeps) {
  const metrics = createMetrics(service)
  const faults = new Faults()
  const app = await createHttpApp({
    service,
    description: 'Tells the customer that the order is reserved, once.',
    log,
    metrics,
    door,
  })
  await app.register(serviceRoutes({ service, faults, metrics, readiness: () => ({ store: 'ok' }) }))
  await app.register(notificationRoutes({ notifications, faults }))
  return app
}
