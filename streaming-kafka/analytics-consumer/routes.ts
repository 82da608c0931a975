import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { Problem } from '@lab/kit/problem.ts'
import { FaultTtl, inFaults } from '@lab/kit/service-routes.ts'
import { z } from 'zod'
import { ANALYTICS_GROUP } from '../broker/topics.ts'
import { prefersText } from './accept.ts'
import type { Analytics } from './analytics.ts'
import type { ConsumerFaults } from './faults.ts'
import { type createLagReport, LagReport } from './lag-report.ts'
import { MetricsReport } from './metrics-report.ts'

const Throttle = z
  .strictObject({
    seconds: z.number().min(0).max(3_600).describe('Sleep before each message; 0 ends it'),
    ttl_seconds: FaultTtl,
  })
  .meta({ id: 'Throttle', examples: [{ seconds: 0.01 }, { seconds: 0 }] })
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
    const counted = {
      summary: 'What was counted',
      description: 'JSON; Prometheus text to a client that prefers text/plain',
      tags: ['analytics'],
      response: {
        200: {
          content: {
            'application/json': { schema: MetricsReport },
            'text/plain': { schema: z.string() },
          },
        },
      },
    }
    app.get('/metrics', { schema: counted }, async ({ headers }, reply) => {
      reply.header('vary', 'accept')
      if (!prefersText(headers.accept)) {
        // What was counted is business, and fails with it; what Prometheus reads is not.
        faults.refuse()
        return reply.type('application/json').send(report() as never)
      }
      const text = await metrics.registry.metrics()
      return reply
        .type(metrics.registry.contentType)
        .serializer(String)
        .send(text as never)
    })

    app.get(
      '/lag',
      {
        schema: {
          summary: 'What waits for a consumer group, by partition',
          tags: ['analytics'],
          querystring: LagQuery,
          response: { 200: LagReport, 404: Problem, 503: Problem },
        },
      },
      ({ query }) => lag(query.group),
    )

    await app.register(resetRoute(analytics))

    app.post(
      '/admin/throttle',
      {
        schema: {
          ...inFaults('Sleep before each message'),
          body: Throttle,
          response: { 200: ActiveThrottle },
        },
      },
      async ({ body, log }) => {
        faults.throttle.setDelay(body.seconds, body.ttl_seconds)
        log.warn({ fault: 'throttle', ...body }, 'fault changed')
        return activeThrottle(faults)
      },
    )
  }
}

/** It takes no body, so no client has to find out how an empty one is declared; one with content is JSON or refused. */
const resetRoute =
  (analytics: Pick<Analytics, 'reset'>): RoutePlugin =>
  async (app) => {
    const parseJson = app.getDefaultJsonParser('error', 'error')
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) =>
      body === '' ? done(null) : parseJson(request, body as string, done),
    )
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) =>
      body === '' ? done(null) : done(noBody()),
    )
    app.post(
      '/admin/reset-offsets',
      {
        schema: {
          ...inFaults('Read both topics again from their beginning'),
          response: { 202: Reset, 503: Problem },
        },
      },
      async (_request, reply) => reply.code(202).send({ resetting: true, from: await analytics.reset() }),
    )
  }

const noBody = () => {
  const message = 'body: none is needed here, and one is JSON'
  return new LabError('LAB_MEDIA_TYPE', message, { errors: [{ field: 'body', message }] })
}

export function activeThrottle({ throttle }: ConsumerFaults): z.infer<typeof ActiveThrottle> {
  const { delay_seconds, expires_at } = throttle.active()
  return { throttle_seconds: delay_seconds, expires_at }
}
