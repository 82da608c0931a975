import { type Admin, Kafka, logLevel } from 'kafkajs'
import './kafkajs-guard.ts'
import { until, within } from '@lab/kit/wait.ts'
import { isAbandoned, isRunName, newRunName } from './run-names.ts'
import type { KafkaBroker } from './servers/kafka/broker.ts'

const CONNECT_MS = 3_000
const WIPE_MS = 30_000
/** `messaging-lab`, place, pid, start, random. */
const RUN_NAME_PARTS = 5

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
 * The same broker with nothing of an earlier experiment on it. A broker of this run is emptied. On an external one the
 * part gets a prefix of its own for all its names, and `close` deletes what begins with it; nothing else there is read,
 * written or deleted. What killed runs of this machine and user left there is deleted first.
 */
export async function freshKafka(
  broker: KafkaBroker,
  { signal }: { signal?: AbortSignal } = {},
): Promise<KafkaBroker> {
  if (broker.origin !== 'external') {
    await wipeKafka(broker, { ...(signal && { signal }) })
    return { ...broker, close: async () => {} }
  }
  for (const prefix of await abandonedPrefixes(broker)) await wipeKafka({ ...broker, prefix })
  const own = { ...broker, prefix: `${newRunName()}.` }
  let closing: Promise<void> | undefined
  return {
    ...own,
    close() {
      closing ??= wipeKafka(own).catch((cause: unknown) => {
        const where = broker.brokers.join(', ')
        throw new Error(`topics and groups that begin with ${own.prefix} are still on ${where}`, { cause })
      })
      return closing
    },
  }
}

/**
 * Deletes topics and consumer groups and resolves when the broker no longer lists them. On a broker of this run everything
 * but Kafka's own topics goes; on an external one only what begins with the prefix of a run of the lab, and without
 * such a prefix this rejects. A group that still has members keeps it waiting until they are gone or 30 s have passed.
 */
export async function wipeKafka(
  broker: KafkaBroker,
  { signal }: { signal?: AbortSignal } = {},
): Promise<void> {
  const isOurs = ownershipOf(broker)
  await withAdmin(broker.brokers, async (admin) => {
    const { topics, groups } = namesOn(admin)
    const findTopics = async () => (await topics()).filter(isOurs)
    const findGroups = async () => (await groups()).filter(isOurs)
    await wipe('topics', findTopics, (names) => admin.deleteTopics({ topics: names }), signal)
    await wipe('consumer groups', findGroups, (names) => admin.deleteGroups(names), signal)
  })
}

/** What may be deleted on a broker. Throws when the lab made nothing there. */
function ownershipOf({ origin, prefix, brokers }: KafkaBroker): (name: string) => boolean {
  if (origin !== 'external') return (name) => !name.startsWith('__')
  if (!isRunName(prefix.slice(0, -1)) || !prefix.endsWith('.'))
    throw new Error(
      `Kafka at ${brokers.join(', ')} is not the lab's: nothing is deleted there without a run's prefix`,
    )
  return (name) => name.startsWith(prefix)
}

const namesOn = (admin: Admin) => ({
  topics: () => admin.listTopics(),
  groups: async () => (await admin.listGroups()).groups.map(({ groupId }) => groupId),
})

/** Prefixes of runs of this machine and user that have ended without deleting what they made. */
async function abandonedPrefixes({ brokers }: KafkaBroker): Promise<string[]> {
  const names = await withAdmin(brokers, async (admin) => {
    const { topics, groups } = namesOn(admin)
    return [...(await topics()), ...(await groups())]
  })
  const runs = names.map((name) => name.split('.').slice(0, RUN_NAME_PARTS).join('.'))
  return [...new Set(runs)].filter(isAbandoned).map((run) => `${run}.`)
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
