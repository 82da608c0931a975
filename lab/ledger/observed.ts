import { canBecome, type Item, OrderStatus } from '@lab/common/domain/order.ts'

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

/** What services, queues, topics and stores hold once a run is over; an invariant is checked as far as it can be seen. */
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
  /** Messages that still wait, as the broker counts them, never as sent minus received. */
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
