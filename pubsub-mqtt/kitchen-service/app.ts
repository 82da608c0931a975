import { randomUUID } from 'node:crypto'
import type { Door } from '@lab/kit/door.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp } from '@lab/kit/http.ts'
import type { Logger } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { serviceRoutes } from '@lab/kit/service-routes.ts'
import type { Store } from '@lab/kit/store.ts'
import { z } from 'zod'
import type { Connection, MqttOptions } from '../mqtt/connect.ts'
import { createRelay } from '../mqtt/publish.ts'
import { KitchenPresence, TableState } from '../mqtt/schemas.ts'
import { type Message, oneByOne } from '../mqtt/subscribe.ts'
import { EVERY_KITCHEN, EVERY_TABLES_ORDERS, NO_TABLE, SHARED_ORDERS, TABLES } from '../mqtt/topics.ts'
import { createStates, PRESENCE_EVERY_MS, presence } from './announce.ts'
import { createKitchen } from './kitchen.ts'
import { createOrderStore } from './order-store.ts'
import { startRelief } from './relief.ts'

export interface AppDeps {
  service: string
  /** The name of this kitchen, and of its sessions at the broker. */
  kitchenId: string
  log: Logger
  store: Store
  connect: (options: Omit<MqttOptions, 'log' | 'url' | 'username' | 'password'>) => Connection
  sessionExpirySeconds: number
  /** Draws how long an order is cooked. */
  prepMs: () => number
  maxCooking: number
  queueLimit: number
  /** This kitchen must not be at work: another one has its name, or works on another store. */
  onRefused: (err: Error) => void
  door?: Door | undefined
  peers?: Record<string, string>
}

/** The kitchen, at work whenever there is a broker. It closes its connections and its store with itself. */
export async function buildApp(deps: AppDeps) {
  const { service, kitchenId, log, store, connect, sessionExpirySeconds, prepMs, onRefused, door, peers } =
    deps
  const metrics = createMetrics(service)
  const faults = new Faults()
  const now = Date.now
  const orders = createOrderStore(store, kitchenId, now)
  const present = presence(kitchenId, orders.epoch, now)

  // Whoever relieves this kitchen lets go of its session.
  orders.beat()

  // Announcing has a connection of its own, whose id no other process has: two kitchens of one name, who throw each other
  // out of the session, still hear of each other.
  const out = connect({
    clientId: `kitchen-${kitchenId}-${randomUUID()}`,
    consume: { topics: [EVERY_KITCHEN], handle: oneByOne(onPresence) },
  })
  const states = createStates({ connection: out, orders, log })
  const relay = createRelay({ connection: out, ...orders.outbox, log })
  const kitchen = createKitchen({
    ...{ orders, prepMs, maxCooking: deps.maxCooking, queueLimit: deps.queueLimit, metrics, log, now },
    onChange: (table) => {
      relay.pump()
      states.changed(table)
    },
  })

  const handle = (messages: Message[]) =>
    // A fault acts on each message.
    faults.isActive ? faults.apply().then(() => receive(messages.slice(0, 1))) : receive(messages)
  const receive = (messages: Message[]): number => {
    const startedAt = performance.now()
    const outcomes = kitchen.receive(messages)
    metrics.messagesConsumed(EVERY_TABLES_ORDERS, outcomes, (performance.now() - startedAt) / 1_000)
    return messages.length
  }
  const sessionOf = (id: string) => ({ clientId: `kitchen-${id}`, sessionExpirySeconds })
  const intake = connect({
    ...sessionOf(kitchenId),
    will: present.will,
    consume: { topics: [SHARED_ORDERS], handle },
    onTakenOver: onRefused,
  })
  const comeIn = () => {
    present.publish(intake, 'online').catch((err) => log.error({ err }, 'presence refused'))
  }
  intake.onConnected(comeIn)
  const presenceTimer = setInterval(() => intake.state() === 'ok' && comeIn(), PRESENCE_EVERY_MS)
  // The broker may have lost what it retained.
  out.onConnected(states.all)
  kitchen.resume()
  relay.pump()
  const relief = startRelief({
    orders,
    openSession: (id, onMessage) =>
      connect({
        ...sessionOf(id),
        consume: {
          topics: [],
          handle: (messages) => {
            onMessage()
            return handle(messages)
          },
        },
      }),
    onTaken: () => {
      kitchen.resume()
      relay.restart()
      states.all()
    },
    log,
  })

  function onPresence({ body }: Message): void {
    const { data } = KitchenPresence.safeParse(parsed(body))
    const conflict = data && present.conflict(data)
    if (conflict) onRefused(new Error(conflict))
  }

  const app = await createHttpApp({
    part: 'pubsub-mqtt',
    service,
    description:
      'Takes orders from restaurant/orders/<table>, cooks, and says so on restaurant/foods/<table>.',
    log,
    metrics,
    faults,
    peers,
    door,
  })
  const readiness = () => ({ orders: intake.state(), foods: out.state() })
  const health = () => ({
    ...{ kitchen: kitchenId, epoch: orders.epoch, cooking: kitchen.cooking(), waiting: kitchen.waiting() },
    outbox: orders.outbox.depth(),
  })
  await app.register(serviceRoutes({ service, faults, metrics, readiness, health }))
  const params = z.object({ table: z.coerce.number().pipe(z.literal([NO_TABLE, ...TABLES])) })
  app.get(
    '/tables/:table',
    { schema: { params, response: { 200: TableState } } },
    async ({ params: { table } }) => orders.state(table),
  )

  // Intake ends first, the store last: everything writes to it.
  app.addHook('onClose', async () => {
    clearInterval(presenceTimer)
    if (intake.state() === 'ok')
      present.publish(intake, 'offline').catch(() => {
        // The will says the same.
      })
    await intake.close()
    relief.close()
    kitchen.close()
    states.close()
    await out.close()
    relay.close()
    store.close()
  })
  return app
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}
