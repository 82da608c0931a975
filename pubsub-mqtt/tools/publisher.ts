import { CUSTOMER_ORDERS } from '../mqtt/topics.ts'
import { BROKER_HELP, type Io, runCommand } from './command.ts'
import { orderLines } from './show.ts'

const usage = `Usage: npm run lab -- mqtt publish [options]

Publishes one sample order to '${CUSTOMER_ORDERS}'.

${BROKER_HELP}`

const SAMPLE = {
  customer_name: 'John Doe',
  items: [
    { name: 'Margherita Pizza', quantity: 1, price: 12.99 },
    { name: 'Cola', quantity: 2, price: 2.49 },
  ],
  special_instructions: 'Extra cheese',
}

export const run = (args: string[], io: Io): Promise<number> =>
  runCommand({
    ...{ args, io, usage, options: {} },
    work: async ({ restaurant }) => {
      const order = await restaurant.publishOrder(SAMPLE)
      for (const line of [`📋 Order ${order.order_id}:`, ...orderLines(order)]) io.print(line)
      io.print('✅ Order published successfully!')
      return 0
    },
  })
