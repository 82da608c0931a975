import type { Stock } from '@lab/common/domain/stock.ts'
import { audit, type Books } from '../ledger/books.ts'
import { countOutcomes, type LoadResult, orderIds } from '../load/closed-loop.ts'
import { type Check, voidingCheck } from './experiment.ts'
import type { PartClient } from './part-client.ts'

export interface LedgerOptions {
  /** Everything the client sent in this run. */
  loads: LoadResult[]
  initial: Stock
  notify?: NonNullable<Books['notify']> | 'never'
}

/**
 * Compares what the client was told with what the services hold, order by order. To be called when nothing moves any
 * more: an order that is still open is an anomaly here.
 */
export async function ledgerBalances(
  client: PartClient,
  { loads, initial, notify = 'never' }: LedgerOptions,
): Promise<Check> {
  const orders = await client.orders()
  const left = await client.stock()
  const notifications = notify === 'never' ? {} : { notifications: await client.notifications(), notify }
  const acknowledged = loads.flatMap(orderIds)
  const unknown = loads.reduce((sum, load) => sum + (countOutcomes(load).unknown ?? 0), 0)
  return describeAudit({ acknowledged, unknown, orders, initial, left, ...notifications })
}

export function describeAudit(books: Books): Check {
  const anomalies = audit(books)
  const reserved = books.orders.filter(({ status }) => status === 'reserved' || status === 'notified')
  const failed = books.orders.filter(({ status }) => status === 'failed')
  const counted = [
    `${books.acknowledged.length} orders acknowledged, ${books.orders.length} held`,
    `${reserved.length} reserved, ${failed.length} failed`,
    `stock left ${Object.entries(books.left)
      .map(([item, count]) => `${item} ${count}/${books.initial[item as keyof Stock]}`)
      .join(', ')}`,
    ...(books.notifications ? [`${books.notifications.length} notified`] : []),
  ]
  const found = anomalies.map(({ invariant, detail }) => `NOT ${invariant}: ${detail}`)
  return voidingCheck('the ledger balances', anomalies.length === 0, [...found, ...counted].join('; '))
}
