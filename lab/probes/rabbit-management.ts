import { rabbitApi } from '@lab/stack/servers/rabbitmq/api.ts'
import type { RabbitBroker } from '@lab/stack/servers/rabbitmq/broker.ts'

/** A message as the management API shows it. */
export interface Peeked {
  body: string
  routingKey: string
  properties: Record<string, unknown>
  headers: Record<string, unknown>
}

/** What the management page says. Its figures are samples, up to five seconds old: for people, not for proofs. */
export interface Sampled {
  ready: number
  unacked: number
  consumers: number
  /** Deliveries that carried the redelivered flag, since the queue was declared. */
  redelivered: number
}

export interface RabbitManagement {
  sampled: (queue: string) => Promise<Sampled>
  /**
   * Shows up to `count` messages and puts them back. The broker counts each look as a delivery, so a queue with a
   * delivery limit loses what is looked at too often: look once.
   */
  peek: (queue: string, count: number) => Promise<Peeked[]>
  /** Names of the connections that consume from a queue now. */
  consumersOf: (queue: string) => Promise<string[]>
  /** How a queue is declared and consumed; undefined while the management API knows no consumer of it yet. */
  consumedAs: (queue: string) => Promise<ConsumedAs | undefined>
  /** Cuts a connection, as an operator does on the management page; its unacknowledged messages are delivered again. */
  cutConnection: (name: string) => Promise<void>
}

export interface ConsumedAs {
  queueType: string
  isDurable: boolean
  prefetch: number
  /** Whether messages stay with the broker until the consumer acknowledges them. */
  isAcknowledged: boolean
}

interface QueueInfo {
  type?: string
  durable?: boolean
  messages_ready?: number
  messages_unacknowledged?: number
  consumers?: number
  message_stats?: { redeliver?: number }
  consumer_details?: {
    channel_details?: { connection_name?: string }
    prefetch_count?: number
    ack_required?: boolean
  }[]
}

interface MessageInfo {
  payload: string
  payload_encoding: 'string' | 'base64'
  routing_key: string
  // An empty table is written as [] by the broker.
  properties: { headers?: Record<string, unknown> } | []
}

export function openRabbitManagement(broker: RabbitBroker): RabbitManagement {
  const vhost = encodeURIComponent(decodeURIComponent(new URL(broker.url).pathname.slice(1)) || '/')
  const pathOf = (queue: string) => `/queues/${vhost}/${encodeURIComponent(queue)}`
  const info = (queue: string) => rabbitApi<QueueInfo>(broker, 'GET', pathOf(queue))
  return {
    sampled: async (queue) => {
      const found = await info(queue)
      return {
        ready: found.messages_ready ?? 0,
        unacked: found.messages_unacknowledged ?? 0,
        consumers: found.consumers ?? 0,
        redelivered: found.message_stats?.redeliver ?? 0,
      }
    },
    peek: async (queue, count) => {
      const request = { count, ackmode: 'ack_requeue_true', encoding: 'auto' }
      const messages = await rabbitApi<MessageInfo[]>(broker, 'POST', `${pathOf(queue)}/get`, request)
      return messages.map(peeked)
    },
    consumersOf: async (queue) => {
      const { consumer_details = [] } = await info(queue)
      return consumer_details.flatMap(({ channel_details }) => channel_details?.connection_name ?? [])
    },
    consumedAs: async (queue) => {
      const { type = 'unknown', durable = false, consumer_details: [consumer] = [] } = await info(queue)
      if (!consumer) return undefined
      const { prefetch_count = 0, ack_required = false } = consumer
      return {
        queueType: type,
        isDurable: durable,
        prefetch: prefetch_count,
        isAcknowledged: ack_required,
      }
    },
    cutConnection: (name) => rabbitApi(broker, 'DELETE', `/connections/${encodeURIComponent(name)}`),
  }
}

function peeked({ payload, payload_encoding, routing_key, properties }: MessageInfo): Peeked {
  const known = Array.isArray(properties) ? {} : properties
  return {
    body: payload_encoding === 'base64' ? Buffer.from(payload, 'base64').toString() : payload,
    routingKey: routing_key,
    properties: known,
    headers: known.headers ?? {},
  }
}
