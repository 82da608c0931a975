import { until } from '@lab/kit/wait.ts'
import { openKafkaProbe } from '../../probes/kafka.ts'
import { type Account, difference, type Opened, PlacedOrders, STOCK, stockAfter, unequal } from './account.ts'

/** The log holds each accepted order once, the list shows what the log holds, and nothing was dead-lettered. */
export async function openStreamingKafka({ part, client, signal }: Opened): Promise<Account> {
  const placed = new PlacedOrders()
  const probe = await openKafkaProbe(part.kafka!)
  const lengthOf = async (topic: string) =>
    (await probe.endOffsets(topic)).reduce((sum, { start, end }) => sum + Number(end - start), 0)
  const decided = async () => {
    const orders = await client.orders()
    return orders.every(({ status }) => status !== 'placed') && orders
  }
  return {
    note: ({ role }, _request, answer) => {
      if (role === 'order') placed.note(answer)
    },
    audit: async () => {
      const orders = await until(decided, {
        what: 'every order to be decided',
        timeoutMs: 120_000,
        everyMs: 500,
        signal,
      })
      const listed = new Set(orders.map(({ order_id }) => order_id))
      const reserved = orders.filter(({ status }) => status === 'reserved')
      return [
        // Nobody is told the ids of a bulk: of those only the number can be compared.
        ...difference('orders', placed.orders, placed.orders.intersection(listed)),
        ...unequal('number of orders', placed.size, orders.length),
        ...unequal('records of order-events', placed.size, await lengthOf('order-events')),
        ...unequal('stock is not conserved', stockAfter(STOCK, reserved), await client.stock()),
        ...unequal('dead letters of requests', 0, await lengthOf('order-events.dlt')),
      ]
    },
    [Symbol.asyncDispose]: probe.close,
  }
}
