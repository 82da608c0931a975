import type { RabbitBroker } from '../../stack/brokers/types.ts'
import { freshVhost } from '../../stack/rabbit-vhost.ts'
import { alternate, type Contestant } from './alternate.ts'
import { openBareChain } from './bare-chain.ts'
import type { CeilingsOptions } from './ceilings.ts'
import { auditedRound, type MeasuredPart } from './measured-part.ts'
import type { Comparison } from './results.ts'

export interface Comparing {
  options: CeilingsOptions
  part: MeasuredPart
  orders: number
  opened: AsyncDisposableStack
}

const TARGET_HTTP = 0.7
const TARGET_AMQP = 0.5

const itself = (part: MeasuredPart, orders: number): Contestant => ({
  name: part.name,
  round: () => auditedRound(part, orders),
})

export async function compareHttp({ options, part, orders, opened }: Comparing): Promise<Comparison[]> {
  const { session, connections, rounds, progress } = options
  const bare = await openBareChain(
    {
      session,
      orders,
      connections,
      name: 'bare undici',
      folder: 'bare-http',
      env: ([, inventory, notification]) => ({
        INVENTORY_URL: inventory!,
        NOTIFICATION_URL: notification!,
      }),
      completed: 'notified',
      books: ['notified', 'reserved', 'sent'],
    },
    opened,
  )
  const ours = { contestant: part.name, metric: 'accepted' }
  const ceiling = { contestant: bare.name, metric: 'accepted' }
  return alternate({
    contestants: [bare, itself(part, orders)],
    questions: [{ name: 'orders answered', ours, ceiling, target: TARGET_HTTP }],
    rounds,
    progress,
  })
}

export async function compareAmqp({ options, part, orders, opened }: Comparing): Promise<Comparison[]> {
  const { session, connections, rounds, progress } = options
  const vhost: RabbitBroker = await freshVhost(await session.rabbit())
  opened.defer(vhost.close)
  const bare = await openBareChain(
    {
      session,
      orders,
      connections,
      name: 'bare amqplib',
      folder: 'bare-amqp',
      env: () => ({ RABBITMQ_URL: vhost.url }),
      completed: 'decided',
      books: ['decided', 'reserved', 'sent'],
    },
    opened,
  )
  const [ours, ceiling] = [part.name, bare.name]
  const of = (metric: string) => ({
    ours: { contestant: ours, metric },
    ceiling: { contestant: ceiling, metric },
  })
  return alternate({
    contestants: [bare, itself(part, orders)],
    questions: [
      { name: 'orders completed', ...of('completed'), target: TARGET_AMQP },
      { name: 'orders accepted', ...of('accepted') },
    ],
    rounds,
    progress,
  })
}
