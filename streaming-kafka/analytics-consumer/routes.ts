import { DEFAULT_TTL_SECONDS } from '@lab/common/kit/faults.ts'
import type { RoutePlugin } from '@lab/common/kit/http.ts'
import type { Metrics } from '@lab/common/kit/metrics.ts'
import { Problem } from '@lab/common/kit/problem.ts'
import { z } from 'zod'
import { ANALYTICS_GROUP } from '../broker/topics.ts'
import { prefersText } from './accept.ts'
import type { Analytics } from './analytics.ts'
import type { ConsumerFaults } from './faults.ts'
import { type createLagReport, LagReport } from './lag-report.ts'
import { MetricsReport } from './metrics-report.ts'

const Throttle = z.strictObject({
  seconds: z.number().min(0).max(3_600).describe('Sleep before each message; 0 ends it'),
  ttl_seconds: z.number().positive().max(86_400).default(DEFAULT_TTL_SECONDS),
})
const ActiveThrottle = z.object({ throttle_seconds: z.number(), expires_at: z.number().nullable() })
const Reset = z.object({
  resetting: z.literal(true),
  from: z.array(z.object({ topic: z.string(), partition: z.int(), offset: z.int() })),
})
const LagQuery = z.strictObject({ group: z.string().min(1).max(255).default(ANALYTICS_GROUP) })

export interface AnalyticsRoutesDeps {
  report: () => MetricsReport
  metrics: Metrics
  lag: ReturnType<typeof createLagReport>
  analytics: Pick<Analytics, 'reset'>
  faults: ConsumerFaults
}

export function analyticsRoutes({
  report,
  metrics,
  lag,
  analytics,
  faults,
}: AnalyticsRoutesDeps): RoutePlugin {
  return async (app) => {
    const description = 'JSON; Prometheus text to a client that prefers text/plain'
    app.get(
      '/metrics',
      { schema: { description, response: { 200: MetricsReport } } },
      async ({ headers }, reply) => {
        reply.header('vary', 'accept')
        if (!prefersText(headers.accept)) return report()
        const text = await metrics.registry.metrics()
        return reply
          .type(metrics.registry.contentType)
          .serializer(String)
          .send(text as never)
      },
    )

    app.get(
      '/lag',
      { schema: { querystring: LagQuery, response: { 200: LagReport, 503: Problem } } },
      ({ query }) => lag(query.group),
    )

    app.post(
      '/admin/reset-offsets',
      { schema: { response: { 202: Reset, 503: Problem } } },
      async (_request, reply) => reply.code(202).send({ resetting: true, from: await analytics.reset() }),
    )

    app.post(
      '/admin/throttle',
      { schema: { body: Throttle, response: { 200: ActiveThrottle } } },
      async ({ body, log }) => {
        faults.throttle.setDelay(body.seconds, body.ttl_seconds)
        log.warn({ fault: 'throttle', ...body }, 'fault changed')
        return activeThrottle(faults)
      },
    )
  }
}

export function activeThrottle({ throttle }: ConsumerFaults): z.infer<typeof ActiveThrottle> {
  const { delay_seconds, expires_at } = throttle.active()
  return { throttle_seconds: delay_seconds, expires_at }
}
