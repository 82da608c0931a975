/** The statuses of an order, in the order in which it can pass them. */
export const STATUSES = [
  'pending_supplier',
  'supplier_accepted',
  'supplier_rejected',
  'customer_accepted',
  'preparing',
  'ready',
  'dispatched',
  'in_transit',
  'delivered',
  'cancelled',
] as const
export type Status = (typeof STATUSES)[number]

/** Where an order may go from each status. An order is cancelled before it is dispatched, or not at all. */
export const NEXT: Readonly<Record<Status, readonly Status[]>> = {
  pending_supplier: ['supplier_accepted', 'supplier_rejected', 'cancelled'],
  supplier_accepted: ['customer_accepted', 'cancelled'],
  supplier_rejected: ['cancelled'],
  customer_accepted: ['preparing', 'cancelled'],
  preparing: ['ready', 'cancelled'],
  ready: ['dispatched', 'cancelled'],
  dispatched: ['in_transit'],
  in_transit: ['delivered'],
  delivered: [],
  cancelled: [],
}

/** What an order must say by the time it has a status. */
export const REQUIRED: Readonly<Partial<Record<Status, readonly string[]>>> = {
  customer_accepted: ['customer_name', 'delivery_address'],
  dispatched: ['driver_name'],
}

/** The event of reaching a status. */
export const eventOf = (status: Status) =>
  status === 'pending_supplier' ? ('order.created' as const) : (`order.${status}` as const)

export type EventType = ReturnType<typeof eventOf>
export const EVENT_TYPES = STATUSES.map(eventOf)

/** The status an event of a batch asks for; none for `order.created`, which nobody can ask for. */
export const statusOf = (event: string): Status | undefined =>
  STATUSES.find((status) => status !== 'pending_supplier' && eventOf(status) === event)

/** Percent of the way, once a driver is on it. */
export const PROGRESS: Readonly<Partial<Record<Status, number>>> = {
  dispatched: 33,
  in_transit: 66,
  delivered: 100,
}
