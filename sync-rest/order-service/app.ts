import { createIdempotency } from '@lab/common/idempotency.ts'
import { orderRoutes } from '@lab/common/order-routes.ts'
import { OrderStream } from '@lab/common/order-stream.ts'
import type { Door } from '@lab/kit/door.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp, type HttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import type { Store } from '@lab/kit/store.ts'
import { bounded } from './in-flight.ts'
import { createOrders } from './orders.ts'
import { createPlaceOrder } from './place-order.ts'
import { watchReachability } from './reachability.ts'
import { orderRoute } from './routes/order.ts'
import { startSettler } from './settle.ts'
import type { Upstream } from './upstream.ts'

const MAX_IN_FLIGHT = 2_000

export interface AppDeps {
  service: string
  log: Logger
  store: Store
  inventory: Upstream
  notification: Upstream
  /** How long a stop waits for upstream answers, milliseconds. */
  giveUpAfterMs: number
  streamClients?: number | undefined
  door?: Door | undefined
  peers?: Record<string, string>
}

/** The order service, settling from the first moment. It closes its upstreams and its store with itself. */
export async function buildApp(deps: AppDeps) {
  const { service, log, store, inventory, notification, door, peers, streamClients } = deps
  const metrics = createMetrics(service)
  const faults = new Faults()
  const stream = new OrderStream(streamClients)
  const orders = createOrders(store, { stream, metrics })
  metrics.gauge(
    'lab_orders_unsettled',
    'Orders whose stock is released in the background',
    orders.countUnsettled,
  )
  const settler = startSettler({ orders, inventory, log })
  const reach = { inventory: watchReachability(inventory), notification: watchReachability(notification) }

  const app = await createHttpApp({
    part: 'sync-rest',
    service,
    description: 'Takes an order, and answers when inventory and notification have answered.',
    log,
    metrics,
    faults,
    peers,
    door,
  })
  await app.register(
    serviceRoutes({
      service,
      faults,
      metrics,
      // Notification is best effort: without it orders are still placed, so it is a fact of /health only.
      readiness: () => ({ store: 'ok', inventory: reach.inventory.state() }),
      health: () => ({ unsettled: orders.countUnsettled(), notification: reach.notification.state() }),
    }),
  )
  const placeOrder = createPlaceOrder({
    orders,
    inventory,
    notification,
    onUnknown: settler.wake,
    onUndecided: settler.undecided,
    log,
  })
  const place = bounded(placeOrder, { max: MAX_IN_FLIGHT })
  await app.register(orderRoute({ claim: createIdempotency(orders.get), placeOrder: place.run }))
  await app.register(orderRoutes({ orders, stream }))

  closeInOrder(app, deps, { drain: place.drain, background: [settler, ...Object.values(reach)] })
  return app
}

interface Running {
  drain: () => Promise<void>
  background: { stop: () => Promise<void> | void }[]
}

/** In-flight orders first, then what runs in the background, and the store last: everything before writes to it. */
function closeInOrder(app: HttpApp, deps: AppDeps, { drain, background }: Running): void {
  const { inventory, notification, store, giveUpAfterMs } = deps
  const closeUpstreams = () => [inventory.close(), notification.close()]
  let givingUp: NodeJS.Timeout | undefined
  app.addHook('preClose', async () => {
    givingUp = setTimeout(closeUpstreams, giveUpAfterMs)
  })
  // Fastify runs onClose once the connections are closed.
  app.addHook('onClose', async () => {
    await drain()
    clearTimeout(givingUp)
    await Promise.all([...background.map(({ stop }) => stop()), ...closeUpstreams()])
    store.close()
  })
}
