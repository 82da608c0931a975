import { ITEMS, isTerminal, type Order } from '@lab/common/domain/order.ts'
import type { Stock } from '@lab/common/domain/stock.ts'

/** What one run left behind, each read from its own source once nothing moves any more. */
export interface AuditedState {
  /** Ids of the orders the client holds an answer for: the services may not lose one of these. */
  acknowledged: string[]
  /** Ids the client cannot know about: the exchange did not finish. They may exist; they need not. */
  unknown?: number
  /** `GET /orders` of the order service. */
  orders: Order[]
  /** What the inventory service started with. */
  initial: Stock
  /** `GET /stock`. */
  left: Stock
  /** `GET /notifications`, in the parts that have one. */
  notifications?: { order_id: string }[]
  /** What reserving an order must lead to: 'every' reserved order notified, or only those that say so (best effort). */
  notify?: 'every' | 'best-effort'
}

export type Invariant =
  | 'acknowledged orders are there'
  | 'no phantom orders'
  | 'each order once'
  | 'each order decided'
  | 'stock balances'
  | 'stock not negative'
  | 'notified once'
  | 'only reserved orders notified'
  | 'reserved orders notified'

export interface Anomaly {
  invariant: Invariant
  detail: string
}

/** Every way in which the state does not balance; none is the proof that nothing was lost, doubled or leaked. */
export function audit(state: AuditedState): Anomaly[] {
  return [...auditOrders(state), ...auditStock(state), ...auditNotifications(state)]
}

function auditOrders({ acknowledged, unknown = 0, orders }: AuditedState): Anomaly[] {
  const known = new Set(orders.map(({ order_id }) => order_id))
  const lost = acknowledged.filter((id) => !known.has(id))
  const asked = new Set(acknowledged)
  const phantoms = [...known].filter((id) => !asked.has(id))
  return [
    ...anomaly('acknowledged orders are there', lost),
    ...anomaly('no phantom orders', phantoms.length > unknown ? phantoms : []),
    ...anomaly('each order once', repeated(orders)),
    ...anomaly('each order decided', ids(orders.filter(({ status }) => !isTerminal(status)))),
  ]
}

function auditStock({ orders, initial, left }: AuditedState): Anomaly[] {
  return ITEMS.flatMap((item): Anomaly[] => {
    const reserved = orders.filter((order) => order.item === item && isReserved(order))
    const moved = reserved.reduce((sum, { quantity }) => sum + quantity, 0)
    const balance = initial[item] - left[item] - moved
    return [
      ...(balance === 0
        ? []
        : [
            {
              invariant: 'stock balances' as const,
              detail: `${item}: ${initial[item]} at first, ${left[item]} left, ${moved} reserved: off by ${balance}`,
            },
          ]),
      ...(left[item] < 0
        ? [{ invariant: 'stock not negative' as const, detail: `${item}: ${left[item]}` }]
        : []),
    ]
  })
}

function auditNotifications({ orders, notifications, notify = 'every' }: AuditedState): Anomaly[] {
  if (!notifications) return []
  const reserved = new Set(ids(orders.filter(isReserved)))
  const notified = new Set(ids(notifications))
  const due =
    notify === 'every' ? reserved : new Set(ids(orders.filter(({ status }) => status === 'notified')))
  return [
    ...anomaly('notified once', repeated(notifications)),
    ...anomaly('only reserved orders notified', [...notified.difference(reserved)]),
    ...anomaly('reserved orders notified', [...due.difference(notified)]),
  ]
}

const isReserved = ({ status }: Order) => status === 'reserved' || status === 'notified'
const ids = (entries: { order_id: string }[]) => entries.map(({ order_id }) => order_id)

function repeated(entries: { order_id: string }[]): string[] {
  const seen = new Set<string>()
  return ids(entries).filter((id) => seen.size === seen.add(id).size)
}

function anomaly(invariant: Invariant, order_ids: string[]): Anomaly[] {
  if (order_ids.length === 0) return []
  const more = order_ids.length > 3 ? ' …' : ''
  return [{ invariant, detail: `${order_ids.length} not so: ${order_ids.slice(0, 3).join(', ')}${more}` }]
}
