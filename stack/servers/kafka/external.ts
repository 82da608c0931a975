import { checkKafka } from '../../kafka-admin.ts'
import type { ServerContext } from '../server.ts'
import type { KafkaBroker } from './broker.ts'

/** `host:port` each; a missing port is a clear error, since there is no usual one for a cluster behind a proxy. */
export function readKafkaBrokers(env: NodeJS.ProcessEnv): string[] {
  const brokers = (env.KAFKA_BROKERS ?? '').split(',').map((broker) => broker.trim())
  const wrong = brokers.find((broker) => !/^[^\s:/[\]]+:\d{1,5}$/.test(broker))
  if (wrong === undefined) return brokers
  const why = wrong.startsWith('[')
    ? 'the Kafka client takes no IPv6 address: give a name that leads to it, such as localhost'
    : 'that is not host:port'
  throw new Error(`KAFKA_BROKERS: "${wrong}": ${why}`)
}

export async function useExternalKafka({ env, progress, signal }: ServerContext): Promise<KafkaBroker> {
  const brokers = readKafkaBrokers(env)
  await checkKafka(brokers).catch((err: unknown) => {
    throw new Error(`Kafka at ${brokers.join(', ')} does not answer: ${(err as Error).message}`, {
      cause: err,
    })
  })
  signal?.throwIfAborted()
  progress(`Kafka: using ${brokers.join(', ')}`)
  return { kind: 'kafka', brokers, prefix: '', version: 'unknown', origin: 'external', close: async () => {} }
}
