import { rm } from 'node:fs/promises'
import { withFreePorts } from '../ports.ts'
import { requireJava } from './install.ts'
import type { Java } from './java.ts'
import { KAFKA_VERSION } from './kafka-cache.ts'
import { type KafkaPorts, writeKafkaConfig } from './kafka-config.ts'
import { kafkaJars } from './kafka-jars.ts'
import { type KafkaNode, kafkaNode } from './kafka-node.ts'
import type { BrokerContext, KafkaBroker } from './types.ts'

/** A private Kafka in KRaft mode on free ports of 127.0.0.1; its data lives in the run's folder. */
export async function startLocalKafka(ctx: BrokerContext): Promise<KafkaBroker> {
  const java = await requireJava(ctx)
  const libs = await kafkaJars(ctx, java)
  ctx.progress(`Kafka ${KAFKA_VERSION}: starting a private broker on Java ${java.major}`)
  const startedAt = performance.now()
  return withFreePorts(4, async ([broker, controller, proxied, proxy]) => {
    const ports = { broker, controller, proxied, proxy } as KafkaPorts
    const kafka = await startNode(ctx, { java, libs }, ports)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    ctx.progress(`Kafka ${KAFKA_VERSION}: serving on port ${broker} after ${seconds} s`)
    return kafka
  })
}

async function startNode(
  ctx: BrokerContext,
  install: { java: Java; libs: string },
  ports: KafkaPorts,
): Promise<KafkaBroker> {
  await ctx.run.sub('logs')
  const folder = await ctx.run.sub(`kafka-${ports.broker}`)
  const files = await writeKafkaConfig(folder, ports)
  const node = kafkaNode({ run: ctx.run, ...install, folder, files, ports })
  const remove = async () => {
    await node.end()
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
  try {
    await node.start(ctx.signal)
    return describeNode(node, ports, remove)
  } catch (err) {
    await remove()
    throw err
  }
}

function describeNode(node: KafkaNode, ports: KafkaPorts, remove: () => Promise<void>): KafkaBroker {
  let closing: Promise<void> | undefined
  return {
    kind: 'kafka',
    brokers: [`127.0.0.1:${ports.broker}`],
    version: KAFKA_VERSION,
    origin: 'local',
    proxied: { listen: ports.proxy, upstream: ports.proxied },
    control: {
      kill: () => node.kill(),
      stop: () => node.stop(),
      start: () => node.start(),
      pause: () => node.pause(),
      resume: () => node.resume(),
    },
    close() {
      closing ??= remove()
      return closing
    },
  }
}
