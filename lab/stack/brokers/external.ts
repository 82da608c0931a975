import { checkKafka } from '../kafka-admin.ts'
import { RabbitApiError, readVersion } from './rabbit-api.ts'
import type { BrokerContext, KafkaBroker, RabbitBroker } from './types.ts'

/** What RABBITMQ_URL and RABBITMQ_MANAGEMENT_URL say, without asking the broker. */
export function readRabbitAddress(env: NodeJS.ProcessEnv) {
  const url = parseUrl('RABBITMQ_URL', env.RABBITMQ_URL ?? '', ['amqp:', 'amqps:'])
  const management = env.RABBITMQ_MANAGEMENT_URL
    ? parseUrl('RABBITMQ_MANAGEMENT_URL', env.RABBITMQ_MANAGEMENT_URL, ['http:', 'https:'])
    : new URL(`http://${url.hostname}:15672`)
  const username = decodeURIComponent(management.username || url.username || 'guest')
  const password = decodeURIComponent(management.password || url.password || 'guest')
  const managementUrl = `${management.protocol}//${management.host}${management.pathname.replace(/\/+$/, '')}`
  return { url: url.href, managementUrl, username, password }
}

/** `host:port` each; a missing port is a clear error, since there is no usual one for a cluster behind a proxy. */
export function readKafkaBrokers(env: NodeJS.ProcessEnv): string[] {
  const brokers = (env.KAFKA_BROKERS ?? '').split(',').map((broker) => broker.trim())
  const wrong = brokers.find((broker) => !/^(\[[\da-f:]+\]|[^\s:/]+):\d{1,5}$/i.test(broker))
  if (wrong !== undefined) throw new Error(`KAFKA_BROKERS: "${wrong}" is not host:port`)
  return brokers
}

/** Uses the broker as it is, after its management API has answered. */
export async function useExternalRabbit({ env, progress, signal }: BrokerContext): Promise<RabbitBroker> {
  const address = readRabbitAddress(env)
  const version = await readVersion(address).catch((err: unknown) => {
    const why =
      err instanceof RabbitApiError && err.status === 401 ? 'it refuses the credentials' : String(err)
    throw new Error(
      `the management API of RabbitMQ at ${address.managementUrl} cannot be used: ${why}\n` +
        'The lab reads queues there. Enable the management plugin, or set RABBITMQ_MANAGEMENT_URL.',
      { cause: err },
    )
  })
  signal?.throwIfAborted()
  progress(`RabbitMQ ${version}: using ${address.managementUrl}`)
  return { kind: 'rabbitmq', ...address, version, origin: 'external', close: async () => {} }
}

export async function useExternalKafka({ env, progress, signal }: BrokerContext): Promise<KafkaBroker> {
  const brokers = readKafkaBrokers(env)
  await checkKafka(brokers).catch((err: unknown) => {
    throw new Error(`Kafka at ${brokers.join(', ')} does not answer: ${(err as Error).message}`, {
      cause: err,
    })
  })
  signal?.throwIfAborted()
  progress(`Kafka: using ${brokers.join(', ')}`)
  return { kind: 'kafka', brokers, version: 'unknown', origin: 'external', close: async () => {} }
}

function parseUrl(variable: string, value: string, protocols: string[]): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (!url || !protocols.includes(url.protocol)) {
    const form = protocols.map((protocol) => `${protocol}//…`).join(' or ')
    throw new Error(`${variable} is not a URL of the form ${form}`) // not the value: it holds a password
  }
  return url
}
