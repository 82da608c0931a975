import { type InventoryEvent, OrderPlaced } from '@lab/common/domain/events.ts'
import type { Stock } from '@lab/common/domain/stock.ts'
import { Faults } from '@lab/kit/faults.ts'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import type { Store } from '@lab/kit/store.ts'
import type { Broker, Connection } from '../../broker/connection.ts'
import { createConsumer } from '../../broker/consumer.ts'
import { retryLadder } from '../../broker/retry-ladder.ts'
import { createOutbox } from '../../outbox/outbox.ts'
import { createInbox } from '../inbox.ts'
import { onOrderPlaced } from '../on-order-placed.ts'
import { INVENTORY_SCHEMA } from '../schema.ts'
import { createStockStore } from '../stock-store.ts'
import { ConsumerChannel, Queue } from './queue.ts'

export const INITIAL: Stock = { burger: 8, pizza: 100, salad: 5 }
export const LADDER = retryLadder([1_000, 5_000], 0)

/** Between which two effects the process dies. */
export const DEATHS = [
  'before it decides',
  'before commit',
  'after commit',
  'before ack',
  'before publish',
  'after publish',
] as const
export type Death = (typeof DEATHS)[number]

const metrics = createMetrics('test')
const log = createLog('test', 'silent')

/** The file a killed process leaves. */
interface StoreFile extends Disposable {
  current: () => Store
  crash: () => Store
}

/** What such a file is called and holds. */
export const STORE = ['inventory', INVENTORY_SCHEMA] as const

/**
 * The consuming half of the inventory service on a store in a file, with a queue that plays by the rules of AMQP. It can
 * be killed between any two effects; the queue and the file are what is left then.
 */
export class Process implements Disposable {
  readonly queue = new Queue()
  readonly faults = new Faults()
  readonly #file: StoreFile
  #channel!: ConsumerChannel
  #death: Death | undefined
  #handle!: ReturnType<typeof onOrderPlaced>
  #parts!: { outbox: ReturnType<typeof createOutbox>; stockStore: ReturnType<typeof createStockStore> }

  constructor(file: StoreFile) {
    this.#file = file
    this.#open(this.#file.current())
  }

  readonly announced = (): InventoryEvent[] =>
    this.#parts.outbox.after(0, 1_000).map(({ body }) => JSON.parse(body) as InventoryEvent)
  readonly left = (): Stock => this.#parts.stockStore.left()

  /** Works until nothing is ready, or it is dead. */
  async work(batch: number): Promise<void> {
    while (this.#channel.isOpen && this.queue.ready.length > 0) {
      this.#channel.deliver(batch)
      await this.#settled()
    }
  }

  async dieWhileWorking(death: Death, batch: number): Promise<void> {
    this.#death = death
    await this.work(batch)
    // A death that had no occasion is one of a process at rest.
    this.#channel.close()
    this.#death = undefined
    this.#open(this.#file.crash())
  }

  cut(): void {
    this.#channel.close()
    this.#attach()
  }

  [Symbol.dispose](): void {
    this.#channel.close()
    this.#file[Symbol.dispose]()
  }

  #dieAt(death: Death): void {
    if (this.#death !== death) return
    this.#file.current().close()
    this.#channel.close()
    throw new Error('killed')
  }

  #open(store: Store): void {
    const transaction: Store['transaction'] = (work) => {
      const result = store.transaction(() => {
        const result = work()
        this.#dieAt('before commit')
        return result
      })
      this.#dieAt('after commit')
      return result
    }
    const watched = { ...store, transaction }
    this.#parts = { outbox: createOutbox(store), stockStore: createStockStore(store, INITIAL) }
    const relay = { wake: () => {} }
    const inbox = createInbox(store)
    const handle = onOrderPlaced({
      store: watched,
      inbox,
      ...this.#parts,
      relay,
      metrics,
      log,
      now: Date.now,
    })
    this.#handle = (events) => {
      this.#dieAt('before it decides')
      return handle(events)
    }
    this.#attach()
  }

  #attach(): void {
    this.#channel = new ConsumerChannel(this.queue, (frame) => {
      if (frame === 'ack') this.#dieAt('before ack')
      if (frame === 'publish') this.#dieAt('before publish')
      if (frame === 'published') this.#dieAt('after publish')
    })
    const broker = { ladder: LADDER, isBlocked: () => false, restart: () => {} } as unknown as Broker
    const options = { broker, queue: 'inventory_queue', prefetch: 10, schema: OrderPlaced, metrics, log }
    const channel = this.#channel
    const connection = { createConfirmChannel: async () => channel } as unknown as Connection
    const { faults } = this
    const handle = this.#handle
    void createConsumer({ ...options, faults, handle: (events) => handle(events) }).attach(connection)
  }

  /** A batch is settled, or the channel that delivered it is gone. */
  async #settled(): Promise<void> {
    const channel = this.#channel
    for (let turn = 0; turn < 3 || (channel.isOpen && channel.unacked > 0); turn++) {
      if (turn > 1_000) throw new Error(`${channel.unacked} deliveries are never settled`)
      await new Promise(setImmediate)
    }
  }
}
