import { randomUUID } from 'node:crypto'
import { LabError, messageOf } from '@lab/kit/errors.ts'
import { createLog } from '@lab/kit/log.ts'
import { within } from '@lab/kit/wait.ts'
import { type Connection, connectMqtt, type MqttOptions } from '../mqtt/connect.ts'
import { CustomerOrder, type CustomerOrderItem, totalCents } from '../mqtt/schemas.ts'
import { oneByOne } from '../mqtt/subscribe.ts'
import { CUSTOMER_ORDERS } from '../mqtt/topics.ts'

export interface RestaurantOrdersOptions {
  /** The broker's URL: `mqtt`, `mqtts`, `ws` or `wss`. */
  broker: string
  username?: string | undefined
  password?: string | undefined
  /** How long a call waits for the broker before it rejects; 5 s by default. */
  timeoutMs?: number
  signal?: AbortSignal
}

/** What `publishOrder` takes: the id, the total and the time are made where they are missing. */
export interface NewOrder {
  order_id?: string
  customer_name: string
  items: CustomerOrderItem[]
  total_amount?: number
  special_instructions?: string
  timestamp?: string
}

/** A message of `restaurant/orders`: the order, or why it is none. */
export type Received = { order: CustomerOrder } | { problem: string; body: string }

/**
 * Publishes customer orders to `restaurant/orders` and listens to them, QoS 1. It connects when it is first used, and
 * again whenever the connection is lost.
 *
 *     const restaurant = new RestaurantOrders({ broker: 'mqtt://localhost:1883' })
 *     await restaurant.publishOrder({ customer_name: 'John Doe', items: [{ name: 'Pizza', quantity: 1, price: 12.99 }] })
 *     await restaurant.startSubscriber((received) => console.log(received))
 *     await restaurant.close()
 */
export class RestaurantOrders {
  readonly #options: RestaurantOrdersOptions
  readonly #connections: Connection[] = []
  #publisher: Connection | undefined

  constructor(options: RestaurantOrdersOptions) {
    this.#options = options
  }

  /** Resolves with the order as it was sent, once the broker has it. Rejects when it is no valid order, or in time. */
  async publishOrder(order: NewOrder): Promise<CustomerOrder> {
    const complete = CustomerOrder.safeParse({
      order_id: randomUUID(),
      total_amount: totalCents(order.items) / 100,
      timestamp: new Date().toISOString(),
      ...order,
    })
    if (!complete.success) {
      const [issue] = complete.error.issues
      throw new LabError('LAB_REQUEST_INVALID', `${issue?.path.join('.')}: ${issue?.message}`)
    }
    this.#publisher ??= this.#connect()
    await this.#connected(this.#publisher)
    const sent = this.#publisher.publish(CUSTOMER_ORDERS, JSON.stringify(complete.data))
    await within(sent, this.#timeoutMs, 'its acknowledgement').catch((err) =>
      this.#fail('took no order', err),
    )
    return complete.data
  }

  /** Calls `onOrder` with every message from now on, until `close`. Resolves once the broker has the subscription. */
  async startSubscriber(onOrder: (received: Received) => void): Promise<void> {
    const handle = oneByOne(({ body }) => onOrder(readReceived(body)))
    await this.#connected(this.#connect({ topics: [CUSTOMER_ORDERS], handle }))
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()))
  }

  #connect(consume?: MqttOptions['consume']): Connection {
    const { broker, username, password } = this.#options
    const clientId = `restaurant-orders-${randomUUID().slice(0, 8)}`
    const log = createLog('restaurant-orders', 'silent')
    const options = { url: broker, username, password, clientId, log }
    const connection = connectMqtt({ ...options, ...(consume && { consume }) })
    this.#connections.push(connection)
    return connection
  }

  async #connected(connection: Connection): Promise<void> {
    if (connection.state() === 'ok') return
    const { signal } = this.#options
    const late = AbortSignal.timeout(this.#timeoutMs)
    const ends = signal ? AbortSignal.any([signal, late]) : late
    await new Promise<void>((resolve, reject) => {
      connection.onConnected(resolve)
      ends.addEventListener('abort', () => reject(ends.reason), { once: true })
      if (ends.aborted) reject(ends.reason)
    }).catch(() => this.#fail('cannot be reached', connection.state()))
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? 5_000
  }

  #fail(what: string, why: unknown): never {
    this.#options.signal?.throwIfAborted()
    const broker = shownUrl(this.#options.broker)
    throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', `the broker ${broker} ${what}: ${messageOf(why)}`)
  }
}

/** Without the login. */
const shownUrl = (url: string) => url.replace(/\/\/.*@/, '//')

function readReceived(body: Buffer): Received {
  const text = body.toString()
  try {
    const { success, data, error } = CustomerOrder.safeParse(JSON.parse(text))
    if (success) return { order: data }
    const [issue] = error.issues
    return { problem: `${issue?.path.join('.') || 'body'}: ${issue?.message}`, body: text }
  } catch {
    return { problem: 'not JSON', body: text }
  }
}
