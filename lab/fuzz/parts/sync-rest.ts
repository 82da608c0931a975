import { Item, type Order } from '@lab/common/domain/order.ts'
import { until } from '@lab/kit/wait.ts'
import { z } from 'zod'
import { jsonOf } from '../http/answer.ts'
import { parseBody } from '../json/oracle.ts'
import {
  type Account,
  difference,
  type Opened,
  PlacedOrders,
  STOCK,
  stockAfter,
  type Taken,
  unequal,
} from './account.ts'

const Reserve = z.object({ order_id: z.string(), item: Item, quantity: z.number() })
const Reserved = z.object({ order_id: z.string(), status: z.literal('reserved') })
const Released = z.object({ order_id: z.string(), released: z.boolean() })
const Sent = z.object({ order_id: z.string(), sent: z.boolean() })

/** Orders are stored as their answers said; stock is what orders and direct reservations have left of it. */
export async function openSyncRest({ client, signal }: Opened): Promise<Account> {
  const placed = new PlacedOrders()
  const reserved = new Map<string, Taken>()
  const released = new Set<string>()
  const sent = new Set<string>()

  const noteInventory = (body: unknown, asked: Buffer) => {
    const command = Reserve.safeParse(parseBody(asked))
    if (Reserved.safeParse(body).success && command.success)
      reserved.set(command.data.order_id.toLowerCase(), command.data)
    const undone = Released.safeParse(body)
    if (undone.data?.released) released.add(undone.data.order_id.toLowerCase())
  }

  const settled = async () => {
    const orders = await client.orders()
    const { unsettled } = z.object({ unsettled: z.int() }).parse(await client.read('order', '/health'))
    return unsettled === 0 && orders.every(isDone) && orders
  }

  return {
    note: ({ role }, { body }, answer) => {
      if (role === 'order') placed.note(answer)
      if (answer.error !== undefined || answer.status !== 200) return
      if (role === 'inventory' && body) noteInventory(jsonOf(answer), body)
      const { data } = Sent.safeParse(jsonOf(answer))
      if (role === 'notification' && data?.sent) sent.add(data.order_id)
    },
    audit: async () => {
      const orders = await until(settled, { what: 'every order to be decided', timeoutMs: 60_000, signal })
      // Inventory knows ids, not who asked: an order's reservation can be repeated, and released, by anyone.
      const takers = new Map([
        ...reserved,
        ...orders.filter(hasStock).map((order) => [order.order_id, order] as const),
      ])
      const held = [...takers].flatMap(([id, taken]) => (released.has(id) ? [] : [taken]))
      const notified = orders.filter(({ status }) => status === 'notified').map(({ order_id }) => order_id)
      const notifications = (await client.notifications()).map(({ order_id }) => order_id)
      return [
        ...difference(
          'orders',
          placed.orders,
          orders.map(({ order_id }) => order_id),
        ),
        ...unequal('stock is not conserved', stockAfter(STOCK, held), await client.stock()),
        ...difference('notifications', [...sent, ...notified], notifications),
      ]
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

const isDone = ({ status }: Order) => status !== 'placed' && status !== 'timeout'
const hasStock = ({ status }: Order) => status === 'reserved' || status === 'notified'
