import type { Door } from '@lab/kit/door.ts'
import { LabError } from '@lab/kit/errors.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { PageQuery, sendPage } from '@lab/kit/paging.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import type { Store } from '@lab/kit/store.ts'
import { z } from 'zod'
import type { Connection, MqttOptions } from '../mqtt/connect.ts'
import { CustomerOrder } from '../mqtt/schemas.ts'
import type { Message } from '../mqtt/subscribe.ts'
import { CUSTOMER_ORDERS } from '../mqtt/topics.ts'
import { onCustomerOrder } from './on-customer-order.ts'
import { createDeskStore, DeskOrder, Rejected, Stats } from './order-store.ts'

export interface AppDeps {
  service: string
  log: Logger
  store: Store
  connect: (
    options: Pick<MqttOptions, 'clientId' | 'sessionExpirySeconds' | 'consume' | 'onTakenOver'>,
  ) => Connection
  sessionExpirySeconds: number
  /** Another order desk has this one's session. */
  onRefused: (err: Error) => void
  door?: Door | undefined
  peers?: Record<string, string>
}

/** The order desk, taking orders whenever there is a broker. It closes its connection and its store with itself. */
export async function buildApp(deps: AppDeps) {
  const { service, log, store, connect, sessionExpirySeconds, onRefused, door, peers } = deps
  const metrics = createMetrics(service)
  const faults = new Faults()
  const orders = createDeskStore(store, Date.now)
  const record = onCustomerOrder({ orders, metrics, log })

  const receive = (messages: Message[]): number => {
    const startedAt = performance.now()
    const outcomes = store.transaction(() => messages.map(({ body }) => record(body)))
    metrics.messagesConsumed(CUSTOMER_ORDERS, outcomes, (performance.now() - startedAt) / 1_000)
    return messages.length
  }
  const handle = (messages: Message[]) =>
    // A fault acts on each message.
    faults.isActive ? faults.apply().then(() => receive(messages.slice(0, 1))) : receive(messages)
  const intake = connect({
    // Every store gets every order: each has a session of its own.
    clientId: `order-desk-${orders.id}`,
    sessionExpirySeconds,
    consume: { topics: [CUSTOMER_ORDERS], handle },
    onTakenOver: onRefused,
  })

  const app = await createHttpApp({
    part: 'pubsub-mqtt',
    service,
    description: 'Stores every order of restaurant/orders once, and keeps what was none with the reason.',
    log,
    metrics,
    faults,
    peers,
    door,
  })
  await app.register(
    serviceRoutes({ service, faults, metrics, readiness: () => ({ orders: intake.state() }) }),
  )

  app.get(
    '/orders',
    { schema: { querystring: PageQuery, response: { 200: z.array(DeskOrder) } } },
    async ({ query }, reply) => sendPage(reply, '/orders', query, orders.page(query)),
  )
  const params = z.object({ order_id: CustomerOrder.shape.order_id })
  app.get('/orders/:order_id', { schema: { params, response: { 200: DeskOrder } } }, async ({ params }) => {
    const order = orders.find(params.order_id)
    if (order === undefined) throw new LabError('LAB_NOT_FOUND', `Order ${params.order_id} does not exist`)
    return order
  })
  app.get('/stats', { schema: { response: { 200: Stats } } }, async () => orders.stats())
  app.get('/rejected', { schema: { response: { 200: z.array(Rejected) } } }, async () => orders.rejected())

  // Intake ends first, the store last: everything writes to it.
  app.addHook('onClose', async () => {
    await intake.close()
    store.close()
  })
  return app
}
