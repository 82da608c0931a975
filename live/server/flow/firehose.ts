import { messageOf } from '@lab/kit/errors.ts'
import { pause } from '@lab/kit/wait.ts'
import { rabbitApi } from '@lab/stack/servers/rabbitmq/api.ts'
import type { ConsumeMessage } from 'amqplib'
import type { Mark, Stop } from '../../wire/flow.ts'
import { apiOf, type Rabbit } from '../rabbit.ts'
import { traceparentIn } from './traceparent.ts'
import type { Event } from './tracker.ts'

/** Copies that may wait for this process; the oldest are dropped, never a message of the lab. */
const MAX_WAITING = 20_000
const RETRY_MS = 2_000

export interface FirehoseOptions {
  lane: string
  rabbit: Rabbit
  signal: AbortSignal
  note: (event: Event) => void
}

/**
 * Reads RabbitMQ's firehose until `signal`: a copy of every message that is published or delivered in the virtual host, with
 * its headers. Tracing is switched on for as long, and off again at the end. The copies go through an exchange of the
 * broker's own, so no binding of the lab changes: a work queue that is deleted is missed as ever.
 */
export async function followFirehose(
  options: FirehoseOptions,
  onState: (state: string) => void,
): Promise<void> {
  const { rabbit, signal } = options
  while (!signal.aborted) {
    try {
      await setTracing(rabbit, true)
      await readCopies(options, () => onState('ok'))
    } catch (err) {
      if (!signal.aborted) onState(messageOf(err))
    }
    await pause(RETRY_MS, signal)
  }
  await setTracing(rabbit, false).catch((err) => onState(messageOf(err)))
}

/** The description is sent along: without it the broker would forget it. */
async function setTracing(rabbit: Rabbit, tracing: boolean): Promise<void> {
  const path = `/vhosts/${encodeURIComponent(rabbit.vhost)}`
  const { description, tags } = await rabbitApi<{ description?: string; tags?: string[] }>(
    apiOf(rabbit),
    'GET',
    path,
  )
  await rabbitApi(apiOf(rabbit), 'PUT', path, { description, tags: (tags ?? []).join(','), tracing })
}

async function readCopies(
  { lane, rabbit, signal, note }: FirehoseOptions,
  onOpen: () => void,
): Promise<void> {
  const { connect } = await import('amqplib')
  const connection = await connect(rabbit.amqpUrl, {
    timeout: 5_000,
    noDelay: true,
    clientProperties: { connection_name: 'live-page' },
  })
  const closed = Promise.withResolvers<void>()
  connection.on('error', () => {})
  connection.on('close', () => closed.resolve())
  const stop = () => void connection.close().catch(() => closed.resolve())
  signal.addEventListener('abort', stop, { once: true })
  try {
    const channel = await connection.createChannel()
    const { queue } = await channel.assertQueue('', {
      exclusive: true,
      autoDelete: true,
      arguments: { 'x-max-length': MAX_WAITING },
    })
    for (const key of ['publish.#', 'deliver.#']) await channel.bindQueue(queue, 'amq.rabbitmq.trace', key)
    await channel.consume(
      queue,
      (copy) => {
        const event = copy && eventOfCopy(copy, Date.now())
        if (event) note({ lane, ...event })
      },
      { noAck: true },
    )
    onOpen()
    await closed.promise
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

interface Traced {
  exchange_name?: string
  routing_keys?: string[]
  redelivered?: number
  routed_queues?: string[]
  properties?: {
    message_id?: string
    correlation_id?: string
    type?: string
    headers?: Record<string, unknown>
  }
}

const TO_QUEUE: Record<string, Stop> = { inventory_queue: 1, notification_queue: 3 }
const TO_SERVICE: Record<string, Stop> = { inventory_queue: 2, notification_queue: 4 }
const SERVICE: Record<string, string> = {
  inventory_queue: 'inventory-service',
  notification_queue: 'notification-service',
  order_status_queue: 'order-service',
  order_dead_letter_queue: 'order-service',
}

/** What a copy says of an order; undefined for messages that are about none. */
export function eventOfCopy(
  { fields, properties, content }: Pick<ConsumeMessage, 'fields' | 'properties' | 'content'>,
  now: number,
): Omit<Event, 'lane'> | undefined {
  const traced = (properties.headers ?? {}) as Traced
  const { message_id: messageId, correlation_id, headers = {} } = traced.properties ?? {}
  const order = correlation_id ?? messageId
  if (typeof order !== 'string') return undefined
  const attempts = Number(headers['x-attempts'] ?? 0)
  const reason = typeof headers['x-reason'] === 'string' ? headers['x-reason'] : undefined
  const traceparent = traceparentIn(content)
  const common = {
    order,
    at: now,
    source: 'RabbitMQ',
    ...(messageId !== undefined && { messageId }),
    ...(attempts > 0 && { attempts }),
    ...(traceparent !== undefined && { traceparent }),
    ...(reason !== undefined && { detail: reason }),
  }
  const where = fields.routingKey
  if (where.startsWith('deliver.')) return delivered(where.slice(8), traced.redelivered === 1, common)
  return published(where.slice(8), traced, common)
}

type Common = Pick<Event, 'order' | 'at' | 'source' | 'messageId' | 'attempts' | 'traceparent'>

function delivered(queue: string, isRedelivered: boolean, common: Common): Omit<Event, 'lane'> {
  const again = isRedelivered ? ' once more' : ''
  const stop = TO_SERVICE[queue]
  const mark: Mark = isRedelivered || common.attempts !== undefined ? 'again' : ''
  return {
    ...common,
    what: `${queue} delivered it to ${SERVICE[queue] ?? 'its consumer'}${again}`,
    mark,
    ...(stop !== undefined && { stop }),
  }
}

function published(exchange: string, traced: Traced, common: Common): Omit<Event, 'lane'> {
  const [key = ''] = traced.routing_keys ?? []
  const queues = traced.routed_queues ?? []
  if (exchange === 'dead_letter_exchange')
    return { ...common, what: `it became a dead letter, in ${queues.join(' and ')}`, mark: 'dead', stop: 5 }
  if (exchange.startsWith('retry_')) {
    const stop = TO_QUEUE[key]
    return {
      ...common,
      what: `it waits in ${queues[0] ?? exchange} to be tried again by ${SERVICE[key] ?? key}`,
      mark: 'retry',
      ...(stop !== undefined && { stop }),
    }
  }
  const stop = queues.map((queue) => TO_QUEUE[queue]).find((one) => one !== undefined)
  return {
    ...common,
    what: `${traced.properties?.type ?? 'a message'} published as ${key}, into ${queues.join(' and ') || 'no queue'}`,
    mark: '',
    ...(stop !== undefined && { stop }),
  }
}
