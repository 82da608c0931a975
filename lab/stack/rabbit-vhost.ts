import { createHash, randomBytes } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import { RabbitApiError, rabbitApi } from './brokers/rabbit-api.ts'
import type { RabbitBroker } from './brokers/types.ts'
import { identify, pidNamespace } from './process-identity.ts'
import { Hopeless, until } from './wait.ts'

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
  const vhost = vhostName()
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

/** A new name that tells whose it is: machine, user and process. */
export function vhostName(): string {
  return `${ownPrefix()}.${owner(process.pid)}.${randomBytes(4).toString('hex')}`
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

/** True for a virtual host of this machine, user and pid namespace whose process has ended. */
export function isAbandoned(vhost: string): boolean {
  if (!vhost.startsWith(`${ownPrefix()}.`)) return false
  const [pid, startedAt] = vhost.slice(ownPrefix().length + 1).split('.')
  return owner(Number(pid)) !== `${pid}.${startedAt}`
}

/** Names the process that owns a virtual host so that no later one with the same pid is taken for it. */
function owner(pid: number): string {
  return `${pid}.${digest(identify(pid)?.startedAt ?? 'ended')}`
}

function ownPrefix(): string {
  return `messaging-lab.${digest(`${hostname()} ${userInfo().uid} ${pidNamespace()}`)}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

function explain(err: unknown, { managementUrl, username }: RabbitBroker): Error {
  const refused = err instanceof RabbitApiError && (err.status === 401 || err.status === 403)
  const why = refused
    ? `user "${username}" may not manage virtual hosts: give it the tag "administrator", or use LAB_BROKERS=local`
    : (err as Error).message
  return new Error(`no fresh virtual host on ${managementUrl}: ${why}`, { cause: err })
}
