import { z } from 'zod'

/** Everything that can be wrong with an order, and what it means. */
const ANOMALIES = {
  lost: 'acknowledged, and nowhere to be found',
  'unknown to the service': 'seen elsewhere, but the order service does not know it',
  doubled: 'reserved twice, or listed twice',
  phantom: 'there, though nobody ordered it or it was refused',
  altered: 'there, with another item or quantity than ordered',
  contradicted: 'decided one way by inventory and shown another way',
  oversold: 'reserved though the stock had not enough',
  'negative stock': 'takes the stock below zero',
  'stock not conserved': 'left plus reserved is not what there was',
  stuck: 'without a terminal status',
  reordered: 'decided before an order of the same key that was acknowledged before it was sent',
  'notified twice': 'notified more than once',
  'notified unreserved': 'notified without having been reserved',
  'reserved not notified': 'reserved, and nobody was told',
  'status backwards': 'showed a status that cannot follow the one before',
  'dead letter without origin': 'a dead letter of an order nobody placed',
} as const

export type AnomalyType = keyof typeof ANOMALIES
export const AnomalyTypes = Object.keys(ANOMALIES) as AnomalyType[]

export const Anomaly = z.object({
  type: z.enum(AnomalyTypes as [AnomalyType, ...AnomalyType[]]),
  /** Exact, however many are named. */
  count: z.int().min(1),
  /** The first ones. An order without an id is named by its place in the plan, `#17`. */
  orders: z.array(z.object({ order: z.string(), detail: z.string() })),
})
export type Anomaly = z.infer<typeof Anomaly>

export const NAMED_AT_MOST = 20

/** Collects anomalies: all are counted, the first of each type are named. */
export class Anomalies {
  readonly #found = new Map<AnomalyType, Anomaly>()

  add(type: AnomalyType, order: string, detail: string): void {
    this.#of(type).count++
    this.name(type, order, detail)
  }

  /** Names an order without counting it: one of several of which some are wrong. */
  name(type: AnomalyType, order: string, detail: string): void {
    const { orders } = this.#of(type)
    if (orders.length < NAMED_AT_MOST) orders.push({ order, detail })
  }

  /** Counts orders that cannot be told apart; `name` says which ones come into question. */
  count(type: AnomalyType, count: number): void {
    this.#of(type).count += count
  }

  get(type: AnomalyType): Anomaly | undefined {
    return this.#found.get(type)
  }

  all(): Anomaly[] {
    return AnomalyTypes.flatMap((type) => this.#found.get(type) ?? [])
  }

  #of(type: AnomalyType): Anomaly {
    const anomaly = this.#found.get(type) ?? { type, count: 0, orders: [] }
    this.#found.set(type, anomaly)
    return anomaly
  }
}
