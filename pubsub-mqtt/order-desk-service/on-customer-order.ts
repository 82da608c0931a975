import type { Logger } from '@lab/kit/log.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { ack, deadLetter, duplicate, type Outcome } from '@lab/kit/outcome.ts'
import { CustomerOrder, MAX_CUSTOMER_ORDER_BYTES } from '../mqtt/schemas.ts'
import type { DeskStore } from './order-store.ts'

export interface OnCustomerOrderDeps {
  orders: DeskStore
  metrics: Metrics
  log: Logger
}

/** Records one message of `restaurant/orders`: as an order, once, or as a refused message with the reason. */
export function onCustomerOrder({ orders, metrics, log }: OnCustomerOrderDeps) {
  const refuse = (reason: string, body: Buffer): Outcome => {
    orders.reject(reason, body.toString())
    metrics.orderReached('rejected')
    log.warn({ reason }, 'order refused')
    return deadLetter(reason)
  }

  return (body: Buffer): Outcome => {
    const read = readCustomerOrder(body)
    if (typeof read === 'string') return refuse(read, body)
    const { order_id } = read
    const added = orders.add(read)
    if (added === 'taken') return refuse('order_id: stands for another order', body)
    if (added === 'repeated') return duplicate()
    metrics.orderReached('stored')
    log.info({ order_id }, 'order stored')
    return ack()
  }
}

/** The order, or why it is none. */
export function readCustomerOrder(body: Buffer): CustomerOrder | string {
  if (body.length > MAX_CUSTOMER_ORDER_BYTES) return `larger than ${MAX_CUSTOMER_ORDER_BYTES} bytes`
  let sent: unknown
  try {
    sent = JSON.parse(utf8.decode(body))
  } catch {
    return 'not JSON'
  }
  const { success, data, error } = CustomerOrder.safeParse(sent)
  if (success) return data
  return error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; ')
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
