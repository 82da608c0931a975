import { within } from '@lab/kit/wait.ts'
import { rabbitApi } from '@lab/stack/servers/rabbitmq/api.ts'
import type { ChannelModel } from 'amqplib'
import type { QueueFigures } from '../../wire/figures.ts'
import { apiOf, type Rabbit } from '../rabbit.ts'

const CALL_MS = 4_000

interface Sampled {
  name: string
  exclusive?: boolean
  messages_unacknowledged?: number
}

/**
 * Reads the queues of the virtual host. What waits and who consumes is asked of each queue itself and exact at that moment;
 * what is delivered and not acknowledged only the management API tells, from samples of some seconds' age.
 */
export function createQueueReader(rabbit: Rabbit) {
  let connected: Promise<ChannelModel> | undefined
  let names: string[] = []

  const connect = async () => {
    const { connect } = await import('amqplib')
    const connection = await connect(rabbit.amqpUrl, {
      timeout: CALL_MS,
      clientProperties: { connection_name: 'live-page-figures' },
    })
    const forget = () => {
      connected = undefined
    }
    connection.on('error', forget)
    connection.on('close', forget)
    return connection
  }
  const connection = () => {
    connected ??= connect().catch((err) => {
      connected = undefined
      throw err
    })
    return connected
  }

  /** Asking for a queue that is not there closes the channel: each question has its own. */
  const ask = async (queue: string) => {
    const channel = await (await connection()).createChannel()
    channel.on('error', () => {})
    try {
      const { messageCount, consumerCount } = await channel.checkQueue(queue)
      await channel.close()
      return { ready: messageCount, consumers: consumerCount }
    } catch {
      // Gone, or without a leader just now.
      return { ready: null, consumers: null }
    }
  }

  return {
    read: async (): Promise<Omit<QueueFigures, 'trend'>[]> => {
      const vhost = encodeURIComponent(rabbit.vhost)
      const columns = 'columns=name,exclusive,messages_unacknowledged'
      const sampled = await rabbitApi<Sampled[]>(apiOf(rabbit), 'GET', `/queues/${vhost}?${columns}`).catch(
        () => undefined,
      )
      // Queues of one connection, such as this page's own, are nobody's work.
      if (sampled) names = sampled.filter(({ exclusive }) => exclusive !== true).map(({ name }) => name)
      const exact = await within(Promise.all(names.map(ask)), CALL_MS, 'the depths of the queues')
      return names.map((name, at) => ({
        name,
        ...exact[at]!,
        unacknowledged: sampled?.find((one) => one.name === name)?.messages_unacknowledged ?? null,
      }))
    },
    close: async () => {
      await connected
        ?.then((open) => open.close())
        .catch(() => {
          // A connection that is broken is closed.
        })
    },
  }
}
