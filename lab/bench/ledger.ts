import { isTerminal, type Order } from '@lab/common/domain/order.ts'
import type { Stock } from '@lab/common/domain/stock.ts'
import { messageOf } from '@lab/kit/errors.ts'
import { until } from '@lab/kit/wait.ts'
import type { Notification, PartClient } from '../experiments/part-client.ts'
import { type AuditedState, audit } from '../ledger/order-audit.ts'
import type { RunningTrio } from '../trio.ts'
import { BenchInvalid } from './invalid.ts'

/** What the client knows of everything it has sent so far. */
export interface Sent {
  accepted: number
  unknown: number
  order_ids: string[]
}

export interface AuditOptions {
  part: RunningTrio
  client: PartClient
  sent: Sent
  initial: Stock
  signal: AbortSignal
}

const QUIET_MS = 60_000

/** What does not balance once nothing moves any more; nothing, when the figures of the run may be believed. */
export async function auditRun({ part, client, sent, initial, signal }: AuditOptions): Promise<string[]> {
  try {
    const orders = await decided(client, signal)
    const left = await client.stock()
    const notifications = await notified(part, orders, { client, signal })
    return anomaliesOf({ ...notifications, sent, orders, initial, left })
  } catch (err) {
    signal.throwIfAborted()
    throw new BenchInvalid(`the ledger cannot be read: ${messageOf(err)}`, { cause: err })
  }
}

export type Found = Pick<AuditedState, 'orders' | 'initial' | 'left' | 'notifications' | 'notify'> & {
  sent: Sent
}

/** Every way in which what the services hold is not what the client was told. */
export function anomaliesOf({ sent, ...found }: Found): string[] {
  const { orders } = found
  // Where answers carry no ids (a bulk), the count below stands for them.
  const acknowledged = sent.order_ids.length > 0 ? sent.order_ids : orders.map(({ order_id }) => order_id)
  const anomalies = audit({ ...found, acknowledged, unknown: sent.unknown })
  return [
    ...countDiffers(orders, sent),
    ...notPlenty(orders),
    ...anomalies.map(({ invariant, detail }) => `NOT ${invariant}: ${detail}`),
  ]
}

/** Neither fewer orders than were accepted, nor more than those and the unknown ones. */
function countDiffers({ length }: Order[], { accepted, unknown }: Sent): string[] {
  if (length >= accepted && length <= accepted + unknown) return []
  return [`${length} orders are held, ${accepted} were accepted and ${unknown} are unknown`]
}

/** Stock was plenty: an order that failed measured something else. */
function notPlenty(orders: Order[]): string[] {
  const failed = orders.filter(({ status }) => status === 'failed')
  return failed.length === 0 ? [] : [`${failed.length} orders failed (${failed[0]!.reason ?? 'no reason'})`]
}

/** The orders, once each is decided; as they are when that takes too long, which the audit then says. */
async function decided(client: PartClient, signal: AbortSignal): Promise<Order[]> {
  let orders: Order[] = []
  const allDecided = async () => {
    orders = await client.orders()
    return orders.every(({ status }) => isTerminal(status))
  }
  await quiet(allDecided, 'each order to be decided', signal)
  return orders
}

async function notified(
  part: RunningTrio,
  orders: Order[],
  { client, signal }: { client: PartClient; signal: AbortSignal },
): Promise<Pick<AuditedState, 'notifications' | 'notify'>> {
  if (part.third.role !== 'notification') return {}
  const notify = part.part === 'sync-rest' ? 'best-effort' : 'every'
  let notifications: Notification[] = []
  const allNotified = async () => {
    notifications = await client.notifications()
    return notify === 'best-effort' || notifications.length >= orders.length
  }
  await quiet(allNotified, 'each order to be notified', signal)
  return { notifications, notify }
}

async function quiet(fact: () => Promise<boolean>, what: string, signal: AbortSignal): Promise<void> {
  await until(fact, { what, timeoutMs: QUIET_MS, everyMs: 500, signal }).catch(() => {
    // The audit names the orders for which it did not come true.
    signal.throwIfAborted()
  })
}
