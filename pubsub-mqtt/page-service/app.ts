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
  /** The broker, as the page's browser reaches it. */
  mqttUrl: string
  door?: Door | undefined
}

/** The page of the four tables, and where its broker is. Orders and foods never pass here. */
export async function buildApp({ service, log, page, mqttUrl, door }: AppDeps) {
  const metrics = createMetrics(service)
  const faults = new Faults()
  const app = await createHttpApp({
    part: 'pubsub-mqtt',
    service,
    description: 'Serves the page of the four tables.',
    log,
    metrics,
    faults,
    hasPage: true,
    door,
  })
  await app.register(serviceRoutes({ service, faults, metrics, readiness: () => ({}) }))
  // mqtt.js keeps its connection alive from a worker, which it makes of a blob.
  const allowed = { connect: [mqttUrl], worker: ['blob:'] }
  await app.register(pageOf(page, { config: () => ({ mqttUrl }), ...allowed }))
  return app
}
