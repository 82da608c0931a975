import { Order } from '@lab/common/domain/order.ts'
import { z } from 'zod'
import type { PartClient } from '../../parts/client.ts'
import type { RunningTrio, TrioService } from '../../trio.ts'
import { type Answer, jsonOf } from '../http/answer.ts'
import type { HttpCase } from '../http/case.ts'
import type { Complaint } from '../http/judge.ts'

/** Stock enough for every order, and of one item too little, so that refusals for want of stock are met as well. */
export const STOCK = { burger: 1_000_000_000, pizza: 1_000_000_000, salad: 2_000 }

export interface Opened {
  part: RunningTrio
  client: PartClient
  signal: AbortSignal
}

/** What accepted requests have promised, held against what the part has in the end. */
export interface Account extends AsyncDisposable {
  note: (service: TrioService, request: HttpCase, answer: Answer) => void
  /** Waits until nothing is under way, and compares everything. */
  audit: () => Promise<Complaint[]>
}

/** The orders that clients were told of. */
export class PlacedOrders {
  readonly orders = new Set<string>()
  /** Orders of bulks, whose ids nobody is told. */
  unnamed = 0

  note(answer: Answer): void {
    if (answer.error !== undefined) return
    const body = jsonOf(answer)
    const order = Order.safeParse(body)
    if (order.success) this.orders.add(order.data.order_id)
    const bulk = Bulk.safeParse(body)
    if (bulk.success) this.unnamed += bulk.data.accepted
  }

  get size(): number {
    return this.orders.size + this.unnamed
  }
}

const Bulk = z.object({ requested: z.int(), accepted: z.int() })

/** How two sets of ids differ, as a complaint; nothing when they do not. */
export function difference(what: string, promised: Iterable<string>, found: Iterable<string>): Complaint[] {
  const [wanted, there] = [idSet(promised), idSet(found)]
  const missing = [...wanted.difference(there)]
  const strange = [...there.difference(wanted)]
  return [
    ...(missing.length > 0 ? [{ rule: `${what}: missing`, detail: some(missing) }] : []),
    ...(strange.length > 0 ? [{ rule: `${what}: nobody asked for`, detail: some(strange) }] : []),
  ]
}

const idSet = (ids: Iterable<string>) => new Set([...ids].map((id) => id.toLowerCase()))
const some = (ids: string[]) => `${ids.length}, such as ${ids.slice(0, 3).join(', ')}`

export const unequal = (what: string, expected: unknown, found: unknown): Complaint[] => {
  const [wanted, there] = [JSON.stringify(expected), JSON.stringify(found)]
  return wanted === there ? [] : [{ rule: what, detail: `expected ${wanted}, found ${there}` }]
}

export type Taken = Pick<Order, 'item' | 'quantity'>

/** What is left of `initial` after all of these. */
export function stockAfter(initial: typeof STOCK, taken: Iterable<Taken>): typeof STOCK {
  const left = { ...initial }
  for (const { item, quantity } of taken) left[item] -= quantity
  return left
}
