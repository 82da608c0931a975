import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface KafkaPorts {
  broker: number
  controller: number
  /** Serves clients that come through a proxy. */
  proxied: number
  /** Kept for that proxy: what those clients are told is the broker's address. */
  proxy: number
}

export interface KafkaFiles {
  properties: string
  logging: string
}

/** Writes the configuration of a private single-node KRaft broker into its folder. */
export async function writeKafkaConfig(folder: string, ports: KafkaPorts): Promise<KafkaFiles> {
  const files = { properties: join(folder, 'server.properties'), logging: join(folder, 'log4j2.properties') }
  const lines = Object.entries(settings(folder, ports)).map(([key, value]) => `${key}=${value}`)
  await writeFile(files.properties, `${lines.join('\n')}\n`)
  await writeFile(files.logging, `${LOGGING.join('\n')}\n`)
  return files
}

function settings(folder: string, ports: KafkaPorts): Record<string, string | number> {
  const { broker, controller, proxied, proxy } = ports
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: [
      `PLAINTEXT://127.0.0.1:${broker}`,
      `PROXIED://127.0.0.1:${proxied}`,
      `CONTROLLER://127.0.0.1:${controller}`,
    ].join(),
    // A client is told the address of the listener it asks on: this is what keeps it behind its proxy.
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${broker},PROXIED://127.0.0.1:${proxy}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    ...CLUSTER_OF_ONE,
    // A typo must not make a topic.
    'auto.create.topics.enable': 'false',
    // A group forms with its first member instead of waiting 3 s for others.
    'group.initial.rebalance.delay.ms': 0,
    // Deleted topics leave the disk after a second instead of a minute.
    'log.segment.delete.delay.ms': 1_000,
    // The cleaner takes this much of the heap at once; the default is 128 MB.
    'log.cleaner.dedupe.buffer.size': 4_194_304,
    'num.network.threads': 2,
    'num.io.threads': 4,
  }
}

/** What a broker without others needs: internal topics that come up alone, and a quick return after SIGKILL. */
export const CLUSTER_OF_ONE: Record<string, number> = {
  'offsets.topic.replication.factor': 1,
  // One partition: the first join of a group does not wait for fifty to be created.
  'offsets.topic.num.partitions': 1,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 1,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'share.coordinator.state.topic.num.partitions': 1,
  'min.insync.replicas': 1,
  // A test need not wait 6 s for a member that was killed.
  'group.min.session.timeout.ms': 1_000,
  // After SIGKILL a broker may register again only when its former session has expired: 3 s instead of 9 s.
  'broker.session.timeout.ms': 3_000,
  'broker.heartbeat.interval.ms': 500,
}

const LOGGING = [
  'appender.out.type = Console',
  'appender.out.name = out',
  'appender.out.layout.type = PatternLayout',
  'appender.out.layout.pattern = [%d] %p %m (%c)%n',
  'rootLogger.level = info',
  'rootLogger.appenderRef.out.ref = out',
]
