import { z } from 'zod'
import { ActiveFaults, DEFAULT_TTL_SECONDS, type Faults } from './faults.ts'
import type { RoutePlugin } from './http.ts'
import type { Metrics } from './metrics.ts'

/** What a service needs to do its job, each `ok` or the reason why not, e.g. `{ broker: 'reconnecting' }`. */
export type Readiness = Record<string, string>

export interface ServiceRoutesDeps {
  service: string
  faults: Faults
  metrics: Metrics
  readiness: () => Readiness
  /** Further facts for `/health`. */
  health?: () => Record<string, unknown>
}

const ttl = z
  .number()
  .positive()
  .max(86_400)
  .default(DEFAULT_TTL_SECONDS)
  .describe('Seconds until the fault ends by itself')
const Delay = z.strictObject({ seconds: z.number().min(0).max(3_600), ttl_seconds: ttl })
const Fail = z.strictObject({ enabled: z.boolean(), ttl_seconds: ttl })
const Health = z.object({ status: z.literal('ok'), service: z.string(), faults: ActiveFaults }).loose()
const Ready = z.object({ ready: z.boolean(), checks: z.record(z.string(), z.string()) })

/** `/health` (alive), `/ready` (can do its job now), `/metrics` (Prometheus) and the fault switches of every service. */
export function serviceRoutes({
  service,
  faults,
  metrics,
  readiness,
  health = () => ({}),
}: ServiceRoutesDeps): RoutePlugin {
  return async (app) => {
    app.get('/health', { schema: { response: { 200: Health } } }, async () => ({
      status: 'ok' as const,
      service,
      faults: faults.active(),
      ...health(),
    }))

    app.get('/ready', { schema: { response: { 200: Ready, 503: Ready } } }, async (_request, reply) => {
      const checks = readiness()
      const ready = Object.values(checks).every((check) => check === 'ok')
      return reply.code(ready ? 200 : 503).send({ ready, checks })
    })

    // A service whose seed gives GET /metrics another meaning registers its own before this one.
    if (!app.hasRoute({ method: 'GET', url: '/metrics' })) {
      app.get('/metrics', async (_request, reply) =>
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

    app.post('/admin/delay', { schema: { body: Delay, response } }, async ({ body, log }) => {
      faults.setDelay(body.seconds, body.ttl_seconds)
      log.warn({ fault: 'delay', ...body }, 'fault changed')
      return faults.active()
    })

    app.post('/admin/fail', { schema: { body: Fail, response } }, async ({ body, log }) => {
      faults.setFail(body.enabled, body.ttl_seconds)
      log.warn({ fault: 'fail', ...body }, 'fault changed')
      return faults.active()
    })

    app.get('/admin/faults', { schema: { response } }, async () => faults.active())

    app.delete('/admin/faults', { schema: { response } }, async ({ log }) => {
      faults.clear()
      log.warn('faults cleared')
      return faults.active()
    })
  }
}
