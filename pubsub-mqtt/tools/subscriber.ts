import { once } from 'node:events'
import { CUSTOMER_ORDERS } from '../mqtt/topics.ts'
import { BROKER_HELP, type Io, runCommand } from './command.ts'
import type { Received } from './restaurant-orders.ts'
import { orderLines } from './show.ts'

const usage = `Usage: npm run lab -- mqtt subscribe [options]

Shows every order that arrives on '${CUSTOMER_ORDERS}', until Ctrl-C.

${BROKER_HELP}`

export const run = (args: string[], io: Io): Promise<number> =>
  runCommand({
    ...{ args, io, usage, options: {} },
    work: async ({ restaurant }) => {
      await restaurant.startSubscriber((received) => show(received, io))
      io.print(`👂 Listening to '${CUSTOMER_ORDERS}'. Ctrl-C ends it.`)
      if (!io.signal.aborted) await once(io.signal, 'abort')
      return 0
    },
  })

function show(received: Received, io: Io): void {
  if ('problem' in received) {
    io.print(`⚠️  No order (${received.problem}): ${received.body.slice(0, 200)}`)
    return
  }
  const { order } = received
  for (const line of [`🔔 Order ${order.order_id} of ${order.timestamp}:`, ...orderLines(order)])
    io.print(line)
}
