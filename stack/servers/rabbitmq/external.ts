import { readUrl } from '../external.ts'
import type { ServerContext } from '../server.ts'
import { RabbitApiError, rabbitApi, readVersion } from './api.ts'
import type { RabbitBroker } from './broker.ts'

/** What RABBITMQ_URL and RABBITMQ_MANAGEMENT_URL say, without asking the broker. */
export function readRabbitAddress(env: NodeJS.ProcessEnv) {
  const url = readUrl('RABBITMQ_URL', env, ['amqp:', 'amqps:'])
  const management = env.RABBITMQ_MANAGEMENT_URL
    ? readUrl('RABBITMQ_MANAGEMENT_URL', env, ['http:', 'https:'])
    : new URL(`http://${url.hostname}:15672`)
  const username = decodeURIComponent(management.username || url.username || 'guest')
  const password = decodeURIComponent(management.password || url.password || 'guest')
  const managementUrl = `${management.protocol}//${management.host}${management.pathname.replace(/\/+$/, '')}`
  return { url: url.href, managementUrl, username, password }
}

/** Uses the broker as it is, after its management API has answered. */
export async function useExternalRabbit({ env, progress, signal }: ServerContext): Promise<RabbitBroker> {
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
  await refuseUnknownVhost(address)
  signal?.throwIfAborted()
  progress(`RabbitMQ ${version}: using ${address.managementUrl}`)
  return { kind: 'rabbitmq', ...address, version, origin: 'external', close: async () => {} }
}

/** The lab works in virtual hosts of its own, but a name that leads nowhere is a mistake better heard of now. */
async function refuseUnknownVhost(address: ReturnType<typeof readRabbitAddress>): Promise<void> {
  const vhost = decodeURIComponent(new URL(address.url).pathname.slice(1)) || '/'
  await rabbitApi(address, 'GET', `/vhosts/${encodeURIComponent(vhost)}`).catch((err: unknown) => {
    if (!(err instanceof RabbitApiError) || err.status !== 404) return // not allowed to ask: the work will tell
    throw new Error(
      `RABBITMQ_URL names the virtual host "${vhost}", and RabbitMQ at ${address.managementUrl} has none of that name`,
      { cause: err },
    )
  })
}
