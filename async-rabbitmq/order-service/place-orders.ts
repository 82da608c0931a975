import { orderPlaced } from '@lab/common/domain/events.ts'
import { type Order, type PlaceOrder, placed } from '@lab/common/domain/order.ts'
import { eventIdFor } from '@lab/common/ids.ts'
import type { OrderStore } from '@lab/common/order-store.ts'
import type { OrderStream } from '@lab/common/order-stream.ts'
import { batched } from '@lab/kit/batch.ts'
import { LabError } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { reachStep } from '@lab/kit/steps.ts'
import type { Store } from '@lab/kit/store.ts'
import type { Outbox } from '../outbox/outbox.ts'

export interface Placement extends PlaceOrder {
  order_id: string
  traceparent: string
}

export interface PlaceOrdersDeps {
  store: Store
  orders: OrderStore
  outbox: Outbox
  /** Orders that may wait for the broker. */
  outboxLimit: number
  relay: { wake: () => void }
  stream: OrderStream
  metrics: Metrics
  log: Logger
  now: () => number
}

const MAX_BATCH = 256

/**
 * Stores the order and the event that announces it in one transaction, which it shares with the orders that arrive at the
 * same time. Once it resolves the order survives whatever happens to the broker, and it will be announced. Throws
 * `LAB_OVERLOADED` while too many orders wait for the broker.
 */
export function placeOrders(deps: PlaceOrdersDeps): (placement: Placement) => Promise<Order> {
  const { store, outbox, outboxLimit, relay, stream, metrics, log } = deps
  const placeBatch = (placements: Placement[]) => {
    if (outbox.depth() + placements.length > outboxLimit) throw overloaded(outboxLimit)
    const announced = store.transaction(() => placements.map((placement) => insert(placement, deps)))
    reachStep('rabbit.order-stored')
    relay.wake()
    const at = deps.now() / 1_000
    stream.publish(announced.map(({ order }) => ({ order_id: order.order_id, status: order.status, at })))
    metrics.orderReached('placed', announced.length)
    for (const { order, message_id } of announced)
      log.info({ order_id: order.order_id, message_id }, 'order placed')
    return announced.map(({ order }) => order)
  }
  return batched(placeBatch, { maxBatch: MAX_BATCH })
}

function insert({ order_id, traceparent, ...command }: Placement, { orders, outbox, now }: PlaceOrdersDeps) {
  const order = placed(command, order_id, now())
  // Derived from the order: announced again, it is recognisably the same event.
  const message_id = eventIdFor('placed', order_id)
  orders.insert(order)
  outbox.add(orderPlaced(order, { id: message_id, source: 'order-service', now: now(), traceparent }))
  return { order, message_id }
}

function overloaded(limit: number) {
  return new LabError('LAB_OVERLOADED', `${limit} orders already wait for the broker`, { retryable: true })
}
