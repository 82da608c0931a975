import { freshVhost } from '@lab/stack/rabbit-vhost.ts'
import type { RabbitBroker } from '@lab/stack/servers/rabbitmq/broker.ts'
import { alternate, type Contestant } from './alternate.ts'
import { openBareChain } from './bare-chain.ts'
import { auditedRound, type Comparing, type MeasuredPart } from './measured-part.ts'
import type { Comparison } from './results.ts'

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
      counters: ['notified', 'reserved', 'sent'],
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
      counters: ['decided', 'reserved', 'sent'],
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
