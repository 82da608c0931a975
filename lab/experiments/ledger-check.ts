import type { Stock } from '@lab/common/domain/stock.ts'
import { type AuditedState, audit } from '../ledger/order-audit.ts'
import { countOutcomes, type LoadResult, orderIds } from '../load/closed-loop.ts'
import { counted, formatNumber } from '../report/number.ts'
import { type Check, voidingCheck } from './experiment.ts'
import type { PartClient } from './part-client.ts'

export interface LedgerOptions {
  /** Everything the client sent in this run. */
  loads: LoadResult[]
  initial: Stock
  notify?: NonNullable<AuditedState['notify']> | 'never'
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

export function describeAudit(state: AuditedState): Check {
  const anomalies = audit(state)
  const reserved = state.orders.filter(({ status }) => status === 'reserved' || status === 'notified')
  const failed = state.orders.filter(({ status }) => status === 'failed')
  const said = [
    `${counted(state.acknowledged.length, 'order')} acknowledged, ${formatNumber(state.orders.length)} held`,
    `${formatNumber(reserved.length)} reserved, ${formatNumber(failed.length)} failed`,
    `stock left ${Object.entries(state.left)
      .map(
        ([item, count]) =>
          `${item} ${formatNumber(count)} of ${formatNumber(state.initial[item as keyof Stock])}`,
      )
      .join(', ')}`,
    ...(state.notifications ? [`${formatNumber(state.notifications.length)} notified`] : []),
  ]
  const found = anomalies.map(({ invariant, detail }) => `NOT ${invariant}: ${detail}`)
  return voidingCheck('the ledger balances', anomalies.length === 0, [...found, ...said].join('; '))
}
