import { checkKafka } from '../../kafka-admin.ts'
import { startDocker } from '../docker.ts'
import type { ServerContext } from '../server.ts'
import type { KafkaBroker } from './broker.ts'
import { KAFKA_VERSION } from './cache.ts'
import { CLUSTER_OF_ONE } from './config.ts'

/** Kafka in a container of this run; it advertises the host's port, so clients outside reach it. */
export async function startDockerKafka(ctx: ServerContext): Promise<KafkaBroker> {
  const { host, ports, control, close } = await startDocker(ctx, {
    label: `Kafka ${KAFKA_VERSION}`,
    image: `apache/kafka:${KAFKA_VERSION}`,
    ports: [9092],
    environment: (host, [port]) => kafkaEnvironment(`${host}:${port}`),
    serves: async (at) => (await checkKafka([`${at.host}:${at.ports[0]}`])) > 0,
  })
  const brokers = [`${host}:${ports[0]}`]
  return { kind: 'kafka', brokers, prefix: '', version: KAFKA_VERSION, origin: 'docker', control, close }
}

/** Variables become properties: KAFKA_A_B is a.b. The image takes its defaults only when none are given. */
function kafkaEnvironment(advertised: string): Record<string, string> {
  const properties: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': '1@localhost:9093',
    'controller.listener.names': 'CONTROLLER',
    listeners: 'OUTSIDE://:9092,INSIDE://localhost:19092,CONTROLLER://:9093',
    // The broker also calls itself, to end transactions, and the host's port leads nowhere inside the container.
    'advertised.listeners': `OUTSIDE://${advertised},INSIDE://localhost:19092`,
    'inter.broker.listener.name': 'INSIDE',
    'listener.security.protocol.map': 'OUTSIDE:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': 0,
    'log.segment.delete.delay.ms': 1_000,
    ...CLUSTER_OF_ONE,
  }
  const name = (property: string) => `KAFKA_${property.replaceAll('.', '_').toUpperCase()}`
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [name(key), String(value)]))
}
