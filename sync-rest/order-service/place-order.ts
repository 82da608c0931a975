import { type Order, type PlaceOrder, placed } from '@lab/common/domain/order.ts'
import { messageOf } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import { reachStep } from '@lab/kit/steps.ts'
import type { Orders } from './orders.ts'
import { reserveOutcome } from './reserve-outcome.ts'
import type { Reply, Upstream } from './upstream.ts'

export interface PlaceOrderDeps {
  orders: Pick<Orders, 'place' | 'decide' | 'notified'>
  inventory: Pick<Upstream, 'post'>
  notification: Pick<Upstream, 'post'>
  /** Told that an order waits to be settled. */
  onUnknown: () => void
  /** Told of an order whose outcome could not be stored, though inventory may hold stock for it. */
  onUndecided: (order_id: string) => void
  log: Logger
}

/**
 * The whole road of an order, each step stored before the next begins, so a kill between any two leaves an order that
 * can be settled:
 *
 * - placed    before inventory is asked; a crash after it is an unknown outcome
 * - reserved  before the customer is told; a crash after it leaves the order reserved, perhaps notified
 * - notified  best effort: without an answer, or room to store it, the order stays reserved
 */
export function createPlaceOrder(deps: PlaceOrderDeps) {
  const { orders, inventory, notification, onUnknown, onUndecided, log } = deps

  return async (command: PlaceOrder, order_id: string): Promise<Order> => {
    const order = placed(command, order_id, Date.now())
    const { item, quantity } = order
    await orders.place(order)
    log.info({ order_id, item, quantity }, 'order placed')
    reachStep('rest.order-stored')

    const reply = await inventory.post('/reserve', { order_id, item, quantity })
    reachStep('rest.reserve-answered')
    const outcome = reserveOutcome(reply)
    await orders.decide(order_id, outcome).catch((err: unknown) => {
      onUndecided(order_id)
      throw err
    })
    reachStep('rest.decision-stored')
    const { status, reason, isUnknown } = outcome
    if (isUnknown) onUnknown()
    if (status !== 'reserved') {
      const level = reason === 'out_of_stock' ? 'info' : 'warn'
      log[level]({ order_id, status, reason, isUnknown, ...described(reply) }, 'order not reserved')
      return { ...order, status, ...(reason && { reason }) }
    }

    const sent = await notification.post('/send', { order_id, status, item })
    reachStep('rest.notify-answered')
    if (sent.kind !== 'answered' || sent.status !== 200) {
      log.warn({ order_id, ...described(sent) }, 'notification not sent')
      return { ...order, status }
    }
    try {
      await orders.notified(order_id)
    } catch (err) {
      log.error({ order_id, err }, 'notified, but that could not be stored')
      return { ...order, status }
    }
    reachStep('rest.notified-stored')
    log.info({ order_id }, 'order notified')
    return { ...order, status: 'notified' }
  }
}

const described = (reply: Reply) => ({
  reply: reply.kind,
  ...(reply.kind === 'answered' && { http_status: reply.status }),
  ...('cause' in reply && { cause: messageOf(reply.cause) }),
})
