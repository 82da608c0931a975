import type { Order } from '@lab/common/domain/order.ts'
import { until } from '@lab/kit/wait.ts'
import { openRabbitProbe } from '../../probes/rabbit.ts'
import { type Account, difference, type Opened, PlacedOrders, STOCK, stockAfter, unequal } from './account.ts'

/** Each accepted order is stored, announced once and decided, and nothing else is: not in a queue, not in `dlq_queue`. */
export async function openAsyncRabbitmq({ part, client, signal }: Opened): Promise<Account> {
  const placed = new PlacedOrders()
  const probe = await openRabbitProbe(part.rabbit!)
  const announced = await probe.tap('order.placed')
  const decided = async () => {
    const orders = await client.orders()
    return orders.every(({ status }) => status !== 'placed') && orders
  }
  return {
    note: ({ role }, _request, answer) => {
      if (role === 'order') placed.note(answer)
    },
    audit: async () => {
      const orders = await until(decided, { what: 'every order to be decided', timeoutMs: 60_000, signal })
      const reserved = orders.filter(({ status }) => status === 'reserved')
      const notified = () => client.notifications()
      await until(async () => (await notified()).length >= reserved.length, {
        what: 'the notifications',
        timeoutMs: 60_000,
        signal,
      })
      const { ready } = await probe.depth('dlq_queue')
      return [
        ...difference('orders', placed.orders, idsOf(orders)),
        ...difference(
          'announced orders',
          placed.orders,
          announced.messages.map(({ properties }) => String(properties.correlationId)),
        ),
        ...difference('notifications', idsOf(reserved), idsOf(await notified())),
        ...unequal('stock is not conserved', stockAfter(STOCK, reserved), await client.stock()),
        ...unequal('dead letters of requests', 0, ready),
      ]
    },
    [Symbol.asyncDispose]: probe.close,
  }
}

const idsOf = (orders: Pick<Order, 'order_id'>[]) => orders.map(({ order_id }) => order_id)
