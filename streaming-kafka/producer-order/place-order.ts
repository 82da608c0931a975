import { orderPlaced } from '@lab/common/domain/events.ts'
import { type Order, type PlaceOrder, placed } from '@lab/common/domain/order.ts'
import { createIdempotency } from '@lab/common/idempotency.ts'
import { eventIdFor } from '@lab/common/ids.ts'
import { LabError } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import { reachStep } from '@lab/kit/steps.ts'
import { nextTraceparent } from '@lab/kit/trace.ts'
import { type LogAppender, UnknownAppend } from '../broker/appender.ts'
import { type Message, toMessage } from '../broker/records.ts'
import type { OrderView } from './order-view.ts'

export const SOURCE = 'producer-order'
const MAX_UNSETTLED = 10_000

export interface PlaceOrderDeps {
  orderLog: Pick<LogAppender, 'append'>
  view: Pick<OrderView, 'orders' | 'place'>
  log: Logger
  now?: () => number
}

interface Context {
  idempotencyKey: string | string[] | undefined
  traceparent: string | string[] | undefined
}

export interface PlacedOrder {
  order: Order
  /** Whether its Idempotency-Key had been answered before, so that nothing was placed now. */
  isReplay: boolean
}

/**
 * Places one order: resolves once the log has its `OrderPlaced`.
 *
 * When the log did not acknowledge in time the outcome is unknown, and the error names the order id: the order exists if
 * and only if the log has the record, and `GET /orders/:order_id` shows it as soon as it is read. A client that wants to
 * be sure repeats the request with its `Idempotency-Key`: that sends the very same event again, and however often the log
 * holds it, it is one order.
 */
export function createPlaceOrder({ orderLog, view, log, now = Date.now }: PlaceOrderDeps) {
  const claim = createIdempotency((order_id) => view.orders.get(order_id))
  const unsettled = new Map<string, Order>()

  return async (command: PlaceOrder, { idempotencyKey, traceparent }: Context): Promise<PlacedOrder> => {
    const { order_id, known, release } = claim(idempotencyKey, command)
    try {
      if (known) return { order: known, isReplay: true }
      const order = sameAsBefore(unsettled.get(order_id), command) ?? placed(command, order_id, now())
      const message_id = eventIdFor('placed', order_id)
      const origin = { id: message_id, source: SOURCE, now: order.timestamp * 1_000 }
      const event = orderPlaced(order, { ...origin, traceparent: nextTraceparent(traceparent) })
      reachStep('kafka.order-drafted')
      await orderLog.append([toMessage(event)]).catch((err: unknown) => {
        if (!(err instanceof UnknownAppend)) throw err
        if (idempotencyKey !== undefined) remember(unsettled, order)
        throw unknownOrder(order_id, err)
      })
      reachStep('kafka.order-appended')
      unsettled.delete(order_id)
      view.place([order])
      log.info({ order_id, message_id }, 'order placed')
      return { order, isReplay: false }
    } finally {
      release()
    }
  }
}

/** A record of an order as bulk loads make them: no trace, the same event otherwise. */
export function placedMessage(order: Order): Message {
  const origin = { id: eventIdFor('placed', order.order_id), source: SOURCE, now: order.timestamp * 1_000 }
  return toMessage(orderPlaced(order, origin))
}

/** A retry of an unknown outcome sends the same order again; another body under its key is refused. */
function sameAsBefore(before: Order | undefined, command: PlaceOrder): Order | undefined {
  if (!before || (before.item === command.item && before.quantity === command.quantity)) return before
  throw new LabError(
    'LAB_KEY_REUSED',
    `this Idempotency-Key stands for ${before.quantity} ${before.item}, not ${command.quantity} ${command.item}`,
  )
}

function remember(unsettled: Map<string, Order>, order: Order): void {
  const oldest = unsettled.keys().next().value
  if (unsettled.size >= MAX_UNSETTLED && oldest !== undefined) unsettled.delete(oldest)
  unsettled.set(order.order_id, order)
}

const unknownOrder = (order_id: string, cause: UnknownAppend) =>
  new LabError('LAB_DEPENDENCY_UNAVAILABLE', `order ${order_id}: ${cause.message}`, {
    retryable: true,
    cause,
  })
