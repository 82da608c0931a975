import { rabbitApi } from '@lab/stack/servers/rabbitmq/api.ts'
import type { RabbitView } from '../../wire/views.ts'
import { apiOf, type Rabbit } from '../rabbit.ts'

interface Exchange {
  name: string
  type: string
  durable: boolean
}
interface Binding {
  source: string
  routing_key: string
  destination: string
  destination_type: string
}
interface Queue {
  name: string
  type?: string
  durable: boolean
  exclusive?: boolean
  messages_ready?: number
  messages_unacknowledged?: number
  consumers?: number
  arguments?: Record<string, unknown>
}

/** The topology of the part's virtual host, as the management API has it: without the broker's own exchanges. */
export async function rabbitView(rabbit: Rabbit, part: string): Promise<RabbitView> {
  const api = apiOf(rabbit)
  const vhost = encodeURIComponent(rabbit.vhost)
  const [overview, exchanges, bindings, queues] = await Promise.all([
    rabbitApi<{ rabbitmq_version: string }>(api, 'GET', '/overview?columns=rabbitmq_version'),
    rabbitApi<Exchange[]>(api, 'GET', `/exchanges/${vhost}`),
    rabbitApi<Binding[]>(api, 'GET', `/bindings/${vhost}`),
    rabbitApi<Queue[]>(api, 'GET', `/queues/${vhost}`),
  ])
  const shown = queues.filter(({ exclusive }) => exclusive !== true)
  const names = new Set(shown.map(({ name }) => name))
  return {
    part,
    version: overview.rabbitmq_version,
    vhost: rabbit.vhost,
    managementUrl: rabbit.managementUrl,
    exchanges: exchanges
      .filter(({ name }) => name !== '' && !name.startsWith('amq.'))
      .map(({ name, type, durable }) => ({ name, type, durable })),
    bindings: bindings
      .filter(
        ({ source, destination, destination_type }) =>
          source !== '' && destination_type === 'queue' && names.has(destination),
      )
      .map(({ source, routing_key, destination }) => ({
        exchange: source,
        key: routing_key,
        queue: destination,
      })),
    queues: shown.map((queue) => ({
      name: queue.name,
      type: queue.type ?? 'unknown',
      durable: queue.durable,
      ready: queue.messages_ready ?? null,
      unacknowledged: queue.messages_unacknowledged ?? null,
      consumers: queue.consumers ?? null,
      arguments: queue.arguments ?? {},
    })),
  }
}
