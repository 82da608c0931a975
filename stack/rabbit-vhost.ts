import { Hopeless, until } from '@lab/kit/wait.ts'
import { isAbandoned, isRunName, newRunName } from './run-names.ts'
import { RabbitApiError, rabbitApi } from './servers/rabbitmq/api.ts'
import type { RabbitBroker } from './servers/rabbitmq/broker.ts'

const VHOST_MS = 15_000
/** Twice the five seconds at which the queues of a node with default settings report. */
const REPORTED_MS = 10_000

/**
 * The same broker seen through a new, empty virtual host: no queue or message of an earlier experiment is in it.
 * `close` deletes the virtual host with everything in it and leaves the broker running. Needs the administrator tag.
 * On an external broker, virtual hosts that killed runs of this machine and user left are deleted first.
 */
export async function freshVhost(broker: RabbitBroker): Promise<RabbitBroker> {
  if (broker.origin === 'external') await deleteAbandoned(broker)
  const vhost = newRunName()
  try {
    await rabbitApi(broker, 'PUT', `/vhosts/${vhost}`, { description: 'one part of the messaging lab' })
    const everything = { configure: '.*', write: '.*', read: '.*' }
    await rabbitApi(broker, 'PUT', `/permissions/${vhost}/${encodeURIComponent(broker.username)}`, everything)
  } catch (err) {
    throw explain(err, broker)
  }
  await until(() => isRunning(broker, vhost), { what: `virtual host ${vhost}`, timeoutMs: VHOST_MS })

  let closing: Promise<void> | undefined
  return {
    ...broker,
    url: withVhost(broker.url, vhost),
    close() {
      closing ??= deleteVhost(broker, vhost)
      return closing
    },
  }
}

function withVhost(url: string, vhost: string): string {
  const changed = new URL(url)
  changed.pathname = `/${encodeURIComponent(vhost)}`
  return changed.href
}

async function isRunning(broker: RabbitBroker, vhost: string): Promise<boolean> {
  const found = await rabbitApi<{ cluster_state?: Record<string, string> }>(broker, 'GET', `/vhosts/${vhost}`)
  return Object.values(found.cluster_state ?? {}).includes('running')
}

async function deleteVhost(broker: RabbitBroker, vhost: string): Promise<void> {
  if (!isRunName(vhost)) throw new Error(`virtual host ${vhost} was not made by the lab, so it stays`)
  await queuesAreLed(broker, vhost)
  try {
    await rabbitApi(broker, 'DELETE', `/vhosts/${vhost}`)
  } catch (err) {
    if (err instanceof RabbitApiError && err.status === 404) return
    // A broker of this run takes the virtual host along when it goes; it may be gone already.
    if (broker.origin !== 'external') return
    throw new Error(`virtual host ${vhost} is still on ${broker.managementUrl}`, { cause: err })
  }
}

/**
 * Resolves when every quorum queue has reported, which only an elected leader does, or it cannot be known.
 *
 * A node that has just started holds its elections within half a second. A queue that dead-letters `at-least-once` and is
 * deleted during its own takes the supervisor of all dead-letter workers along (rabbitmq-server#16652): from then on no such
 * queue of the node, old or new, has a leader, and whoever consumes one is thrown out with a 541.
 */
async function queuesAreLed(broker: RabbitBroker, vhost: string): Promise<void> {
  const areLed = async () => {
    const queues = await rabbitApi<{ type?: string; state?: string }[]>(
      broker,
      'GET',
      `/queues/${vhost}`,
    ).catch((cause: unknown) => {
      throw new Hopeless('the broker does not answer', { cause })
    })
    return queues.every(({ type, state }) => type !== 'quorum' || state === 'running')
  }
  await until(areLed, { what: 'leaders', timeoutMs: REPORTED_MS }).catch(() => {
    // The virtual host is deleted all the same: it would otherwise stay.
  })
}

async function deleteAbandoned(broker: RabbitBroker): Promise<void> {
  const vhosts = await rabbitApi<{ name: string }[]>(broker, 'GET', '/vhosts').catch((err: unknown) => {
    throw explain(err, broker)
  })
  for (const { name } of vhosts) {
    if (isAbandoned(name)) await deleteVhost(broker, name)
  }
}

function explain(err: unknown, { managementUrl, username }: RabbitBroker): Error {
  const refused = err instanceof RabbitApiError && (err.status === 401 || err.status === 403)
  const why = refused
    ? `user "${username}" may not manage virtual hosts: give it the tag "administrator", or use LAB_BROKERS=local`
    : (err as Error).message
  return new Error(`no fresh virtual host on ${managementUrl}: ${why}`, { cause: err })
}
