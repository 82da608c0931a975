import type { Door } from '@lab/kit/door.ts'
import { createHttpApp, type HttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { type Readiness, serviceRoutes } from '@lab/kit/service-routes.ts'
import { consumerChecks } from '../broker/consumer.ts'
import { type Analytics, SOURCE } from './analytics.ts'
import type { ConsumerFaults } from './faults.ts'
import type { createLagReport } from './lag-report.ts'
import { exposeProjection, metricsReport } from './metrics-report.ts'
import type { Poison } from './poison.ts'
import type { Projection } from './projection.ts'
import { activeThrottle, analyticsRoutes } from './routes.ts'

export interface AppDeps {
  analytics: Pick<Analytics, 'status' | 'progress' | 'reset'>
  projection: Projection
  poison: Pick<Poison, 'counts'>
  lag: ReturnType<typeof createLagReport>
  faults: ConsumerFaults
  metrics: Metrics
  log: Logger
  door?: Door | undefined
  peers?: Record<string, string>
}

export async function buildApp({
  analytics,
  projection,
  poison,
  lag,
  faults,
  metrics,
  log,
  door,
  peers,
}: AppDeps): Promise<HttpApp> {
  const description = 'Counts what both topics say, and can read them again.'
  const app = await createHttpApp({
    part: 'streaming-kafka',
    service: SOURCE,
    description,
    log,
    metrics,
    faults,
    peers,
    door,
  })
  const report = () => metricsReport({ projection, poison, analytics })
  const readiness = (): Readiness => ({
    ...consumerChecks(analytics.status()),
    projection: analytics.progress().replaying ? 'reading the log' : 'ok',
  })
  exposeProjection(metrics, projection)

  // Before the common routes: here GET /metrics is the seed's JSON first.
  await app.register(analyticsRoutes({ report, metrics, lag, analytics, faults }))
  await app.register(
    serviceRoutes({ service: SOURCE, faults, metrics, readiness, health: () => activeThrottle(faults) }),
  )
  return app
}
