import { checkKafka } from '../kafka-admin.ts'
import { until } from '../wait.ts'
import { type LabContainer, startContainer } from './docker-container.ts'
import { KAFKA_VERSION } from './kafka-cache.ts'
import { CLUSTER_OF_ONE } from './kafka-config.ts'
import type { BrokerContext, KafkaBroker } from './types.ts'

const IMAGE = `apache/kafka:${KAFKA_VERSION}`
const SERVING_MS = 120_000

/** Kafka in a container of this run; it advertises the host's port, so clients outside reach it. */
export async function startDockerKafka(ctx: BrokerContext): Promise<KafkaBroker> {
  ctx.progress(`Kafka: starting a container of ${IMAGE}`)
  const container = await startContainer(ctx, {
    image: IMAGE,
    ports: [9092],
    environment: (host, [port]) => kafkaEnvironment(`${host}:${port}`),
  })
  try {
    await waitUntilServing(container, ctx.signal)
    ctx.progress(`Kafka ${KAFKA_VERSION}: serving on port ${container.ports[0]}`)
    return describe(container)
  } catch (err) {
    await container.close()
    throw err
  }
}

function describe(container: LabContainer): KafkaBroker {
  const { kill, stop, pause, resume, close } = container
  return {
    kind: 'kafka',
    brokers: [addressOf(container)],
    version: KAFKA_VERSION,
    origin: 'docker',
    control: {
      kill,
      stop,
      pause,
      resume,
      async start() {
        await container.start()
        await waitUntilServing(container)
      },
    },
    close,
  }
}

function addressOf({ host, ports }: LabContainer): string {
  return `${host}:${ports[0]}`
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

async function waitUntilServing(container: LabContainer, signal?: AbortSignal): Promise<void> {
  const serving = () => container.check(async () => (await checkKafka([addressOf(container)])) > 0)
  await until(serving, { what: 'Kafka in Docker to serve', timeoutMs: SERVING_MS, everyMs: 200, signal })
}
