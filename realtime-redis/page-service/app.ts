import type { Door } from '@lab/kit/door.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { pageOf } from '@lab/kit/page.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'

export interface AppDeps {
  service: string
  log: Logger
  /** Where the page is, as the environment says. */
  page: Parameters<typeof pageOf>[0]
  /** The platform service, as the page's browser reaches it. */
  apiUrl: string
  door?: Door | undefined
}

/** The page of supplier, customer and dispatch, and where its platform is. Orders never pass here. */
export async function buildApp({ service, log, page, apiUrl, door }: AppDeps) {
  const metrics = createMetrics(service)
  const faults = new Faults()
  const app = await createHttpApp({
    part: 'realtime-redis',
    service,
    description: 'Serves the page of supplier, customer and dispatch.',
    log,
    metrics,
    faults,
    hasPage: true,
    door,
  })
  await app.register(serviceRoutes({ service, faults, metrics, readiness: () => ({}) }))
  const connect = [apiUrl, apiUrl.replace(/^http/, 'ws')]
  await app.register(pageOf(page, { config: () => ({ apiUrl }), connect }))
  return app
}
