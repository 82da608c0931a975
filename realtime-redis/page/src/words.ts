import { customerCents, hundredths } from '../../redis/prices.ts'
import type { Status } from '../../redis/statuses.ts'
import type { PizzaOrder } from './state.ts'

export const STATUS_WORDS: Readonly<Record<Status, string>> = {
  pending_supplier: 'Awaiting supplier',
  supplier_accepted: 'On offer',
  supplier_rejected: 'Rejected',
  customer_accepted: 'Ordered',
  preparing: 'Preparing',
  ready: 'Ready for pickup',
  dispatched: 'Driver assigned',
  in_transit: 'On the way',
  delivered: 'Delivered',
  cancelled: 'Cancelled',
}

/** What the button says that brings an order there. */
export const STEP_WORDS: Readonly<Partial<Record<Status, string>>> = {
  preparing: 'Start preparing',
  ready: 'Mark ready',
  in_transit: 'Mark in transit',
  delivered: 'Mark delivered',
}

const amounts = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
export const amount = (value: number) => amounts.format(value)

/** What the customer pays: as the platform has fixed it, else as it will. Undefined for what is no price. */
export function priceOf(
  order: Pick<PizzaOrder, 'supplier_price' | 'markup_percentage' | 'customer_price'>,
): { base: number; markup: number; total: number } | undefined {
  const { supplier_price: base, markup_percentage, customer_price } = order
  const [cents, percent] = [hundredths(base), hundredths(markup_percentage)]
  if (cents === undefined || percent === undefined) return undefined
  const total = customer_price ?? customerCents(cents, percent) / 100
  return { base, markup: total - base, total }
}

const times = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })
const exactTimes = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
export const time = (at: string | number) => times.format(new Date(at))
export const exactTime = (at: string | number) => exactTimes.format(new Date(at))

export const counted = (count: number, one: string, many = `${one}s`) =>
  `${count} ${count === 1 ? one : many}`

/** Of an id, enough to tell orders apart by eye. */
export const shortId = (id: string) => id.slice(0, 8)
