import type { Door } from '@lab/common/kit/door.ts'
import { Faults } from '@lab/common/kit/faults.ts'
import { createHttpApp } from '@lab/common/kit/http.ts'
import type { Logger } from '@lab/common/kit/log.ts'
import { createMetrics } from '@lab/common/kit/metrics.ts'
import { serviceRoutes } from '@lab/common/kit/service-routes.ts'
import type { Reservations } from './reservations.ts'
import { reservationRoutes } from './routes/reservations.ts'

export interface AppDeps {
  service: string
  log: Logger
  reservations: Reservations
  door?: Door | undefined
}

export async function buildApp({ service, log, reservations, door }: AppDeps) {
  const metrics = createMetrics(service)
  const faults = new Faults()
  const app = await createHttpApp({
    service,
    description: 'Owns the stock: reserves it for an order, and gives it back.',
    log,
    metrics,
    door,
  })
  await app.register(serviceRoutes({ service, faults, metrics, readiness: () => ({ store: 'ok' }) }))
  await app.register(reservationRoutes({ reservations, faults }))
  return app
}
