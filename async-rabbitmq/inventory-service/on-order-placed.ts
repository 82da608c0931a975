import { type InventoryEvent, inventoryDecided, type OrderPlaced } from '@lab/common/domain/events.ts'
import { ITEMS } from '@lab/common/domain/order.ts'
import { decide, type Stock } from '@lab/common/domain/stock.ts'
import type { Logger } from '@lab/kit/log.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { ack, duplicate, type Outcome } from '@lab/kit/outcome.ts'
import { reachStep } from '@lab/kit/steps.ts'
import type { Store } from '@lab/kit/store.ts'
import { nextTraceparent } from '@lab/kit/trace.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { Inbox } from './inbox.ts'
import type { StockStore } from './stock-store.ts'

export interface OnOrderPlacedDeps {
  store: Store
  inbox: Inbox
  stockStore: StockStore
  outbox: Outbox
  relay: { wake: () => void }
  metrics: Metrics
  log: Logger
  now: () => number
}

/**
 * Consumes `OrderPlaced`; the outbox then holds `InventoryReserved` or `InventoryFailed`.
 *
 * One transaction covers a batch: inbox, stock and outbox change together or not at all. It is committed when this
 * returns, and the acknowledgement follows; a crash in between redelivers messages the inbox knows. Out of stock is
 * a decision, not a failure: it is announced and acknowledged.
 */
export function onOrderPlaced(deps: OnOrderPlacedDeps) {
  const { store, stockStore, relay, metrics, log } = deps

  return (events: OrderPlaced[]): Outcome[] => {
    const decisions = store.transaction(() => {
      const left = stockStore.left()
      const before = { ...left }
      const decisions = events.map((event) => decideOnce(event, left, deps))
      for (const item of ITEMS) if (left[item] !== before[item]) stockStore.set(item, left[item])
      reachStep('rabbit.decisions-drafted')
      return decisions
    })
    relay.wake()

    for (const [i, decision] of decisions.entries()) {
      if (!decision) continue
      const { order_id, status } = decision.data
      metrics.orderReached(status)
      log.info(
        { order_id, message_id: events[i]?.id },
        status === 'reserved' ? 'stock reserved' : 'out of stock',
      )
    }
    return decisions.map((decision) => (decision ? ack() : duplicate()))
  }
}

/** Decides one order against what is left, and takes its share; undefined when it was decided before. */
function decideOnce(
  event: OrderPlaced,
  left: Stock,
  { inbox, outbox, now }: OnOrderPlacedDeps,
): InventoryEvent | undefined {
  const { order_id, item } = event.data
  if (!inbox.isNew({ message_id: event.id, order_id }, now())) return undefined

  const decision = decide(left[item], event.data)
  if (decision.status === 'reserved') left[item] = decision.left
  const decided = inventoryDecided(event.data, decision, {
    source: 'inventory-service',
    now: now(),
    traceparent: nextTraceparent(event.traceparent),
  })
  outbox.add(decided)
  return decided
}
