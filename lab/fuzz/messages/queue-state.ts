import type { Order } from '@lab/common/domain/order.ts'
import type { Stock } from '@lab/common/domain/stock.ts'
import { counterIn } from '@lab/kit/counter-in.ts'
import type { PartClient, Role } from '../../parts/client.ts'

/** What messages may change, and how many of them were settled. */
export interface QueueState {
  stock: Stock
  orders: Order[]
  notified: string[]
  settled: number
}

export async function readQueueState(client: PartClient): Promise<QueueState> {
  const notifications = await client.notifications()
  return {
    stock: await client.stock(),
    orders: await client.orders(),
    notified: notifications.map(({ order_id }) => order_id),
    settled: await settledSoFar(client),
  }
}

const ROLES: Role[] = ['order', 'inventory', 'third']

/** Messages that any consumer has settled in any way, as the services count them. */
export async function settledSoFar(client: PartClient): Promise<number> {
  const texts = await Promise.all(ROLES.map((role) => client.read(role, '/metrics')))
  return texts.reduce<number>(
    (sum, text) => sum + counterIn(String(text), 'lab_messages_consumed_total', {}),
    0,
  )
}
