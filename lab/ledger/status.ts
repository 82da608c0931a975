import { canBecome, OrderStatus } from '@lab/common/domain/order.ts'

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
