import { doorOf } from '@lab/kit/config.ts'
import { closeOnSignal, configOrExit } from '@lab/kit/lifecycle.ts'
import { createLog } from '@lab/kit/log.ts'
import { openRedis } from '../shared/redis/client.ts'
import { createSessions } from '../shared/redis/sessions.ts'
import { buildApp } from './app.ts'
import { createClientOf } from './client.ts'
import { loadConfig } from './config.ts'
import { createLimit } from './limits.ts'
import { addressesOf, SERVICES, type ServiceKey } from './route-map.ts'
import { openUpstream, type Upstream } from './upstream.ts'

const service = 'gateway'
const config = configOrExit(service, () => loadConfig(process.env))
const log = createLog(service, config.LOG_LEVEL)

const redis = openRedis(config.REDIS_URL, log)
const addresses = addressesOf(config)
const upstreamOptions = { timeoutMs: config.UPSTREAM_TIMEOUT_MS, connections: config.UPSTREAM_CONNECTIONS }
const upstreams = Object.fromEntries(
  Object.entries(SERVICES).map(([key, name]) => [
    key,
    openUpstream(name, addresses[key as ServiceKey], upstreamOptions),
  ]),
) as Record<ServiceKey, Upstream>

const app = await buildApp({
  log,
  redis,
  sessions: createSessions(redis, { ttlSeconds: config.SESSION_SECONDS }),
  upstreams,
  secret: config.GATEWAY_SECRET,
  limits: {
    client: createLimit(config.CLIENT_LIMIT, 'this address'),
    signIn: createLimit(config.SIGN_IN_LIMIT, 'this address, without a session'),
    account: createLimit(config.ACCOUNT_LIMIT, 'this account'),
  },
  clientOf: createClientOf(config.TRUSTED_PROXIES),
  mailPageUrl: config.MAIL_PAGE_URL,
  door: doorOf(config),
  peers: config.PEERS,
})

closeOnSignal(() => app.close(), { log, deadlineMs: config.SHUTDOWN_DEADLINE_MS })

const url = await app.listen({ host: config.HOST, port: config.PORT })
log.info({ url }, 'listening')
