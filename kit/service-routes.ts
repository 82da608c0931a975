import { z } from 'zod'
import { ActiveFaults, type Faults } from './faults.ts'
import type { RoutePlugin } from './http.ts'
import type { Metrics } from './metrics.ts'

/** What a service needs to do its job, each `ok` or the reason why not, e.g. `{ broker: 'reconnecting' }`. */
export type Readiness = Record<string, string>

export interface ServiceRoutesDeps {
  service: string
  faults: Faults
  metrics: Metrics
  readiness: () => Readiness
  /** What `/health` calls being alive, where a seed has another word for it. */
  alive?: 'ok' | 'healthy'
  /** Further facts for `/health`. */
  health?: () => Record<string, unknown>
}

export const FaultTtl = z
  .number()
  .positive()
  .max(86_400)
  .optional()
  .describe('Seconds until the fault ends by itself; without it the fault holds until it is switched off')
const Delay = z
  .strictObject({
    seconds: z.number().min(0).max(3_600).describe('How long each waits; 0 ends it'),
    ttl_seconds: FaultTtl,
  })
  .meta({ id: 'Delay', examples: [{ seconds: 2 }, { seconds: 0 }] })
const Fail = z
  .strictObject({ enabled: z.boolean(), ttl_seconds: FaultTtl })
  .meta({ id: 'Fail', examples: [{ enabled: true, ttl_seconds: 60 }, { enabled: false }] })
const Health = z
  .object({ status: z.enum(['ok', 'healthy']), service: z.string(), faults: ActiveFaults })
  .loose()
  .meta({ id: 'Health' })
const Ready = z
  .object({
    ready: z.boolean(),
    checks: z.record(z.string(), z.string()).describe('What it needs, each `ok` or the reason why not'),
  })
  .meta({ id: 'Ready' })

const inService = (summary: string) => ({ summary, tags: ['service'] })
export const inFaults = (summary: string) => ({ summary, tags: ['faults'] })

/** `/health` (alive), `/ready` (can do its job now), `/metrics` (Prometheus) and the fault switches of every service. */
export function serviceRoutes({
  service,
  faults,
  metrics,
  readiness,
  alive = 'ok',
  health = () => ({}),
}: ServiceRoutesDeps): RoutePlugin {
  return async (app) => {
    app.get(
      '/health',
      { schema: { ...inService('Whether it is alive, and which faults are on'), response: { 200: Health } } },
      async () => ({
        status: alive,
        service,
        faults: faults.active(),
        ...health(),
      }),
    )

    app.get(
      '/ready',
      { schema: { ...inService('Whether it can do its job now'), response: { 200: Ready, 503: Ready } } },
      async (_request, reply) => {
        const checks = readiness()
        const ready = Object.values(checks).every((check) => check === 'ok')
        return reply.code(ready ? 200 : 503).send({ ready, checks })
      },
    )

    // A service whose seed gives GET /metrics another meaning registers its own before this one.
    if (!app.hasRoute({ method: 'GET', url: '/metrics' })) {
      app.get(
        '/metrics',
        {
          schema: {
            ...inService('Metrics for Prometheus'),
            response: { 200: { content: { 'text/plain': { schema: z.string() } } } },
          },
        },
        async (_request, reply) =>
          reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
      )
    }

    await app.register(adminRoutes(faults))
    // Nobody waits out an injected delay while the service stops: what is in flight goes on at once.
    app.addHook('preClose', async () => faults.clear())
  }
}

function adminRoutes(faults: Faults): RoutePlugin {
  return async (app) => {
    const response = { 200: ActiveFaults }

    app.post(
      '/admin/delay',
      {
        schema: {
          ...inFaults('Delay each request that does something, and each message'),
          body: Delay,
          response,
        },
      },
      async ({ body, log }) => {
        faults.setDelay(body.seconds, body.ttl_seconds)
        log.warn({ fault: 'delay', ...body }, 'fault changed')
        return faults.active()
      },
    )

    app.post(
      '/admin/fail',
      {
        schema: { ...inFaults('Fail each request, reads included, and each message'), body: Fail, response },
      },
      async ({ body, log }) => {
        faults.setFail(body.enabled, body.ttl_seconds)
        log.warn({ fault: 'fail', ...body }, 'fault changed')
        return faults.active()
      },
    )

    app.get('/admin/faults', { schema: { ...inFaults('Which faults are on'), response } }, async () =>
      faults.active(),
    )

    app.delete(
      '/admin/faults',
      { schema: { ...inFaults('Switch all faults off'), response } },
      async ({ log }) => {
        faults.clear()
        log.warn('faults cleared')
        return faults.active()
      },
    )
  }
}
