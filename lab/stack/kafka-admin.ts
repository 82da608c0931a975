import { type Admin, Kafka, logLevel } from 'kafkajs'
import './kafkajs-guard.ts'
import type { KafkaBroker } from './brokers/types.ts'
import { until, within } from './wait.ts'

/** The topics and groups that the streaming part owns, wherever the broker is. */
export const labTopics = ['order-events', 'inventory-events', 'order-events.dlt']
export const labGroups = ['inventory-group', 'analytics-group']

const CONNECT_MS = 3_000
const WIPE_MS = 30_000

/** Runs `work` with a connected admin client and disconnects it, also on failure. */
export async function withAdmin<T>(brokers: string[], work: (admin: Admin) => Promise<T>): Promise<T> {
  const kafka = new Kafka({
    clientId: 'lab-admin',
    brokers,
    connectionTimeout: CONNECT_MS,
    requestTimeout: 10_000,
    logLevel: logLevel.NOTHING, // every failure comes back as an error; the log would only repeat it
    retry: { retries: 2, initialRetryTime: 100 },
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    return await work(admin)
  } finally {
    await within(admin.disconnect(), CONNECT_MS, 'the Kafka admin to disconnect').catch(() => {
      // The connection is broken; kafkajs has closed its socket.
    })
  }
}

/** The number of brokers in the cluster; rejects while it does not answer (bounded). */
export async function checkKafka(brokers: string[]): Promise<number> {
  const answered = withAdmin(brokers, async (admin) => (await admin.describeCluster()).brokers.length)
  return within(answered, 20_000, `Kafka at ${brokers.join(', ')}`)
}

/**
 * Deletes the lab's topics and consumer groups and resolves when the broker no longer lists them. On a broker of this
 * run everything but Kafka's own topics goes; on an external one only the names above.
 * A group that still has members keeps it waiting until they are gone or 30 s have passed.
 */
export async function wipeKafka(
  broker: KafkaBroker,
  { signal }: { signal?: AbortSignal } = {},
): Promise<void> {
  const ours = broker.origin === 'external' ? null : true
  await withAdmin(broker.brokers, async (admin) => {
    const findTopics = async () =>
      (await admin.listTopics()).filter((topic) =>
        ours ? !topic.startsWith('__') : labTopics.includes(topic),
      )
    const findGroups = async () =>
      (await admin.listGroups()).groups
        .map((group) => group.groupId)
        .filter((id) => ours || labGroups.includes(id))
    await wipe('topics', findTopics, (topics) => admin.deleteTopics({ topics }), signal)
    await wipe('consumer groups', findGroups, (groups) => admin.deleteGroups(groups), signal)
  })
}

async function wipe(
  what: string,
  find: () => Promise<string[]>,
  remove: (names: string[]) => Promise<unknown>,
  signal?: AbortSignal,
): Promise<void> {
  let left: string[] = []
  const gone = async () => {
    left = await find()
    if (left.length === 0) return true
    await remove(left)
    return false
  }
  const detail = () => `still there: ${left.join(', ')} (is a service of another run connected?)`
  await until(gone, { what: `Kafka to delete ${what}`, timeoutMs: WIPE_MS, everyMs: 100, signal, detail })
}
