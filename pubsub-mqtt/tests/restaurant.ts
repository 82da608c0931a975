import { randomUUID } from 'node:crypto'
import { createLog } from '@lab/kit/log.ts'
import { until } from '@lab/kit/wait.ts'
import { localContext } from '@lab/stack/fixtures/lab.ts'
import { type StartPartOptions, startPart } from '@lab/stack/part.ts'
import { openRunDir } from '@lab/stack/run-dir.ts'
import { type Servers, startServer } from '@lab/stack/servers/index.ts'
import type { ServiceProcess } from '@lab/stack/service.ts'
import type { RunningPart } from '@lab/stack/spec.ts'
import { type Connection, connectMqtt } from '../mqtt/connect.ts'
import type { FoodEvent, KitchenPresence, Order, TableState } from '../mqtt/schemas.ts'
import { oneByOne } from '../mqtt/subscribe.ts'
import { EVERY_KITCHEN, EVERY_TABLES_FOODS, EVERY_TABLES_STATE, ordersTopic } from '../mqtt/topics.ts'
import { part as spec } from '../part.ts'

export interface Restaurant {
  broker: Servers['mosquitto']
  part: RunningPart
  kitchen: ServiceProcess
  desk: ServiceProcess
  close(): Promise<void>
}

/** A private Mosquitto, a kitchen and an order desk, with files that outlive their processes. */
export async function openRestaurant(options: Partial<StartPartOptions> = {}): Promise<Restaurant> {
  const run = await openRunDir()
  try {
    const broker = await startServer('mosquitto', localContext(run))
    const part = await startPart(spec, { run, servers: { mosquitto: broker }, durable: true, ...options })
    const { 'kitchen-service': kitchen, 'order-desk-service': desk } = part.services
    const close = async () => {
      await part.close()
      await run.close()
    }
    return { broker, part, kitchen: kitchen!, desk: desk!, close }
  } catch (err) {
    await run.close()
    throw err
  }
}

/** A client as the page is one: it remembers every food, and the newest state of each table. */
export class Guest implements AsyncDisposable {
  readonly foods: FoodEvent[] = []
  readonly states = new Map<number, TableState>()
  readonly kitchens = new Map<string, KitchenPresence>()
  readonly connection: Connection

  constructor(url: string) {
    this.connection = connectMqtt({
      url,
      clientId: `guest-${randomUUID()}`,
      log: createLog('guest', 'silent'),
      consume: {
        topics: [EVERY_TABLES_FOODS, EVERY_TABLES_STATE, EVERY_KITCHEN],
        handle: oneByOne(({ topic, body }) => {
          const sent = JSON.parse(body.toString())
          if (topic.startsWith('restaurant/foods/')) this.foods.push(sent)
          else if (topic.startsWith('restaurant/kitchens/')) this.kitchens.set(sent.kitchen, sent)
          else this.#take(sent)
        }),
      },
    })
  }

  #take(state: TableState): void {
    const known = this.states.get(state.table)
    const isNewer =
      !known || state.epoch > known.epoch || (state.epoch === known.epoch && state.seq > known.seq)
    if (isNewer) this.states.set(state.table, state)
  }

  static async sitDown(url: string): Promise<Guest> {
    const guest = new Guest(url)
    await eventually('a connection', () => guest.connection.state() === 'ok')
    return guest
  }

  /** Orders; resolves when the broker has it. */
  async order(table: number, food = 'Pizza', orderId: string = randomUUID()): Promise<string> {
    const order = { orderId, table, food, ts: Date.now() } as Order
    await this.connection.publish(ordersTopic(table), JSON.stringify(order))
    return orderId
  }

  /** Orders this many over the four tables. */
  orders(count: number): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, (_, at) => this.order(1 + (at % 4), `Food ${at}`)))
  }

  foodsOf = (orderId: string) => this.foods.filter((food) => food.orderId === orderId)

  /** How often each of these orders was answered with `ready`: none twice, none never. */
  async allReadyOnce(orderIds: string[], timeoutMs = 30_000): Promise<void> {
    const missing = () => orderIds.filter((id) => !this.foods.some(({ orderId }) => orderId === id))
    await eventually(
      `${orderIds.length} foods`,
      () => missing().length === 0,
      timeoutMs,
      () => `missing: ${missing().slice(0, 5).join(', ')} (${missing().length} in all)`,
    )
    const statuses = new Set(orderIds.flatMap((id) => this.foodsOf(id).map(({ status }) => status)))
    const most = Math.max(...orderIds.map((id) => this.foodsOf(id).length))
    if (most !== 1 || [...statuses].join() !== 'ready')
      throw new Error(`an order has ${most} foods; statuses ${[...statuses].join(', ')}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close()
  }
}

export const eventually = (what: string, fact: () => boolean, timeoutMs = 15_000, detail?: () => string) =>
  until(async () => fact(), { what, timeoutMs, everyMs: 20, ...(detail && { detail }) })
