import websocket from '@fastify/websocket'
import type { Door } from '@lab/kit/door.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import { z } from 'zod'
import type { Connection } from '../redis/connect.ts'
import { createOrders } from '../redis/orders.ts'
import { batchRoutes } from './batch-routes.ts'
import { createPlatformMetrics } from './metrics.ts'
import { orderRoutes } from './order-routes.ts'
import { overviewRoutes } from './overview-routes.ts'
import { createSockets, type SocketLimits } from './sockets.ts'
import { cached } from './state.ts'

export interface AppDeps {
  service: string
  log: Logger
  connection: Connection
  /** Where pages come from. */
  origins: readonly string[]
  timeZone: string
  eventsKept: number
  /** Wrong guesses of ids for tracking that a client has in a day. */
  guesses: number
  sockets: SocketLimits
  door?: Door | undefined
  peers?: Record<string, string>
}

/** The platform, at work whenever there is Redis. It closes its connection with itself. */
export async function buildApp(deps: AppDeps) {
  const { service, log, connection, origins, timeZone, eventsKept, guesses, door, peers } = deps
  const common = createMetrics(service)
  const faults = new Faults()
  const days = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' })
  const orders = createOrders({ connection, eventsKept, dayOf: (at) => days.format(at) })
  const counted = cached<Awaited<ReturnType<typeof orders.state>>>()
  const statistics = async () => {
    const { value } = await counted('', () => orders.state({ limit: 1, listed: [] }))
    return value
  }
  const metrics = createPlatformMetrics(common, statistics)
  const sockets = createSockets({ connection, orders, limits: deps.sockets, metrics, log })
  metrics.gauge('pizza_websocket_connections', 'Open WebSockets', sockets.open)
  metrics.gauge('pizza_redis_up', 'Whether Redis is there', () => (connection.state() === 'ok' ? 1 : 0))

  const app = await createHttpApp({
    part: 'realtime-redis',
    service,
    description: 'Takes a pizza from its supplier to its customer, and tells every WebSocket of each step.',
    log,
    metrics: common,
    faults,
    peers,
    door,
    cors: {
      origins,
      exposed: ['age', 'link', 'location', 'missing-events', 'supplier-tracking-id', 'tracking-id'],
    },
  })
  const readiness = () => ({
    redis: connection.state(),
    events: sockets.feed.at() === undefined ? 'not read yet' : 'ok',
  })
  const health = () => ({ sockets: sockets.open(), seq: sockets.feed.at()?.seq ?? null })
  await app.register(serviceRoutes({ service, faults, metrics: common, readiness, health }))
  // Clients say nothing.
  await app.register(websocket, { options: { maxPayload: 1_024, clientTracking: false } })
  await app.register(orderRoutes({ orders, metrics }))
  await app.register(batchRoutes({ orders, metrics }))
  await app.register(overviewRoutes({ orders, guesses, statistics, sockets: sockets.open }))

  const querystring = z.object({
    last_seq: z.coerce.number().int().min(0).optional(),
    epoch: z.string().max(100).optional(),
  })
  app.get('/ws', { websocket: true, schema: { hide: true, querystring } }, (socket, { query, headers }) => {
    const { last_seq, epoch } = query
    const isAllowed = headers.origin === undefined || origins.includes(headers.origin)
    sockets.add(socket, last_seq === undefined ? undefined : { seq: last_seq, epoch }, isAllowed)
  })

  app.addHook('preClose', async () => sockets.close())
  app.addHook('onClose', () => connection.close())
  return app
}
