import type { Door } from '@lab/kit/door.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import type { Reservations } from './reservations.ts'
import { reservationRoutes } from './routes/reservations.ts'

export interface AppDeps {
  service: string
  log: Logger
  reservations: Reservations
  door?: Door | undefined
  peers?: Record<string, string>
}

export async function buildApp({ service, log, reservations, door, peers }: AppDeps) {
  const metrics = createMetrics(service)
  const faults = new Faults()
  const app = await createHttpApp({
    part: 'sync-rest',
    service,
    description: 'Owns the stock: reserves it for an order, and gives it back.',
    log,
    metrics,
    faults,
    peers,
    door,
  })
  await app.register(serviceRoutes({ service, faults, metrics, readiness: () => ({ store: 'ok' }) }))
  await app.register(reservationRoutes({ reservations }))
  return app
}
