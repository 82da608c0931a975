import { canBecome, Item, OrderStatus } from '@lab/common/domain/order.ts'
import { messageOf } from '@lab/kit/errors.ts'
import { nextIn } from '@lab/kit/paging.ts'
import { request } from 'undici'
import { z } from 'zod'

/** An order as the order service lists it. */
export interface ObservedOrder {
  order_id: string
  item: Item
  quantity: number
  status: OrderStatus
}

/** A stock decision, where the transport lets it be seen. */
export interface ObservedDecision {
  order_id: string
  status: 'reserved' | 'failed'
  /** The same decision delivered again has the same event id; without one, each counts as another decision. */
  event_id?: string
}

export interface ObservedDeadLetter {
  /** Queue or topic. */
  place: string
  reason: string
  /** Undefined when the message names no order. */
  order_id?: string
}

type Stream<T> = Iterable<T> | AsyncIterable<T>
type StockCount = Record<Item, number>

/**
 * What services, queues, topics and stores hold once a run is over. Only `orders` has to be there; an invariant is
 * checked as far as it can be seen.
 */
export interface Observed {
  orders: Stream<ObservedOrder>
  stock?: { initial: StockCount; left: StockCount }
  /** In the order in which they were made; per key where order is promised per key. */
  decisions?: Stream<ObservedDecision>
  notifications?: Stream<{ order_id: string }>
  /** Status changes in the order in which the service showed them. */
  updates?: Stream<{ order_id: string; status: OrderStatus }>
  deadLetters?: Stream<ObservedDeadLetter>
  /** How many dead letters without an order were put there on purpose. */
  plantedDeadLetters?: number
  /**
   * Messages that still wait, as the broker counts them (ready and unacknowledged, or log end minus committed), never
   * as sent minus received.
   */
  backlog?: { place: string; messages: number }[]
}

/** What the style under test promises; an invariant that is not promised is not held against it. */
export interface Promises {
  /** `always`: every reserved order is notified. */
  notifies: 'always' | 'best effort' | 'never'
  /** Orders with the same key are decided in the order they were sent. */
  ordersPerKey: boolean
}

/** Whether an order shown in one status may be shown in another later, with or without the steps between. */
export const isReachable = (from: OrderStatus, to: OrderStatus): boolean => REACHABLE[from].has(to)

const REACHABLE = Object.fromEntries(
  OrderStatus.options.map((from) => [from, reachableFrom(from)]),
) as Record<OrderStatus, Set<OrderStatus>>

function reachableFrom(from: OrderStatus): Set<OrderStatus> {
  const reached = new Set<OrderStatus>([from])
  for (const status of reached) {
    for (const next of OrderStatus.options) if (canBecome(status, next)) reached.add(next)
  }
  return reached
}

/** Whether stock was taken for an order in this status. */
export const isReserved = (status: OrderStatus | undefined): boolean =>
  status === 'reserved' || status === 'notified'

interface Sources {
  /** Base url of the order service and of the inventory service. */
  order: string
  inventory: string
  /** Base url of the notification service, in the parts that have one. */
  notification?: string
  /** What the inventory service started with. */
  initial: StockCount
  /** What only the broker can tell: dead letters, backlog, decisions. */
  broker?: Pick<Observed, 'deadLetters' | 'plantedDeadLetters' | 'backlog' | 'decisions' | 'updates'>
  signal?: AbortSignal
}

const Listed = z.object({ order_id: z.string(), item: Item, quantity: z.number(), status: OrderStatus })
const Notified = z.object({ order_id: z.string() })
/** Negative counts are for the ledger to find, so they are read. */
const Left = z.object({ burger: z.number(), pizza: z.number(), salad: z.number() })

/** Longest silence while an answer is read. */
const SILENCE_MS = 30_000

/**
 * Collects what a part holds, over HTTP. Stock is read now; orders and notifications are read page by page when they are
 * asked for. Call it once the run has drained.
 */
export async function collect(sources: Sources): Promise<Observed> {
  const { order, inventory, notification, initial, broker, signal } = sources
  const stock = await get(`${inventory}/stock`, Left, signal)
  return {
    orders: pages(`${order}/orders`, Listed, signal),
    stock: { initial, left: stock.body },
    ...(notification !== undefined && {
      notifications: pages(`${notification}/notifications`, Notified, signal),
    }),
    ...broker,
  }
}

async function* pages<Row>(url: string, row: z.ZodType<Row>, signal?: AbortSignal): AsyncGenerator<Row> {
  for (let page: string | undefined = url; page !== undefined; ) {
    const answer: { body: Row[]; next: string | undefined } = await get(page, z.array(row), signal)
    yield* answer.body
    page = answer.next && new URL(answer.next, page).href
  }
}

async function get<Body>(url: string, schema: z.ZodType<Body>, signal?: AbortSignal) {
  const { statusCode, headers, body } = await request(url, {
    headersTimeout: SILENCE_MS,
    bodyTimeout: SILENCE_MS,
    ...(signal && { signal }),
  })
  if (statusCode !== 200) {
    await body.dump()
    throw new Error(`GET ${url} answered ${statusCode}`)
  }
  try {
    return { body: schema.parse(await body.json()), next: nextIn(String(headers.link ?? '')) }
  } catch (err) {
    throw new Error(`GET ${url}: ${messageOf(err)}`, { cause: err })
  }
}
