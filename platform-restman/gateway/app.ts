import type { IncomingMessage } from 'node:http'
import type { Door } from '@lab/kit/door.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import { createSigner } from '../shared/identity/identity.ts'
import type { Redis } from '../shared/redis/client.ts'
import type { Sessions } from '../shared/redis/sessions.ts'
import { admission, type Limits } from './admission.ts'
import { createMergedDocs } from './merged-docs.ts'
import { type CallAs, proxyRoutes } from './proxy.ts'
import type { ServiceKey } from './route-map.ts'
import type { Upstream } from './upstream.ts'
import { whyRoutes } from './why/routes.ts'

export interface AppDeps {
  log: Logger
  redis: Redis
  sessions: Sessions
  upstreams: Record<ServiceKey, Upstream>
  /** What signs the identities that services believe. */
  secret: string
  limits: Limits
  clientOf: (request: IncomingMessage) => string
  /** Where mails are shown; nowhere in production. */
  mailPageUrl?: string | undefined
  door?: Door | undefined
  peers?: Record<string, string>
}

const service = 'gateway'

/** The only door of the platform: it says who calls, and passes on. */
export async function buildApp(deps: AppDeps) {
  const { log, redis, sessions, upstreams, secret, limits, clientOf, mailPageUrl, door, peers } = deps
  const metrics = createMetrics(service)
  const faults = new Faults()
  const app = await createHttpApp({
    part: 'platform-restman',
    service,
    log,
    metrics,
    faults,
    peers,
    door,
    description: 'The only door of the platform: sessions, limits, and the way to every service.',
    docs: createMergedDocs(upstreams, log),
  })
  const readiness = () => ({ redis: redis.state() })
  const health = () => ({
    circuits: Object.fromEntries(Object.values(upstreams).map((one) => [one.service, one.circuit.state()])),
  })
  await app.register(serviceRoutes({ service, faults, metrics, readiness, health, alive: 'healthy' }))
  const admit = admission({ sessions, limits, clientOf })
  const own = (callAs: CallAs) => whyRoutes({ callAs, mailPageUrl })
  await app.register(proxyRoutes({ admit, sign: createSigner(secret), upstreams, own }))
  app.addHook('onClose', async () => {
    await Promise.all(Object.values(upstreams).map((upstream) => upstream.close()))
    await redis.close()
  })
  return app
}
