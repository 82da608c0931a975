import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { RunDir } from '../run-dir.ts'
import type { KafkaBroker } from './kafka/broker.ts'
import { rabbitApi } from './rabbitmq/api.ts'
import type { RabbitBroker } from './rabbitmq/broker.ts'

/**
 * What a broker itself gives as the reason why it does not do its work, e.g. that its disk is full; undefined when it
 * names none. A client sees time-outs only. Never rejects, bounded.
 */
export async function troubleOf(
  broker: RabbitBroker | KafkaBroker,
  run: RunDir,
): Promise<string | undefined> {
  return broker.kind === 'rabbitmq' ? alarmOf(broker) : failureIn(kafkaLogs(broker, run))
}

interface Node {
  disk_free_alarm?: boolean
  disk_free?: number
  disk_free_limit?: number
  mem_alarm?: boolean
  mem_used?: number
  mem_limit?: number
}

async function alarmOf(broker: RabbitBroker): Promise<string | undefined> {
  const nodes = await rabbitApi<Node[]>(broker, 'GET', '/nodes').catch(() => [])
  const alarms = nodes.flatMap((node) => [
    ...(node.disk_free_alarm
      ? [
          `its disk is nearly full (${megabytes(node.disk_free)} free, limit ${megabytes(node.disk_free_limit)})`,
        ]
      : []),
    ...(node.mem_alarm
      ? [`its memory is used up (${megabytes(node.mem_used)}, limit ${megabytes(node.mem_limit)})`]
      : []),
  ])
  return alarms.length === 0 ? undefined : `RabbitMQ takes no messages: ${alarms.join('; ')}`
}

const megabytes = (bytes = 0) => `${(bytes / 1e6).toFixed(0)} MB`

const kafkaLogs = ({ brokers, origin }: KafkaBroker, run: RunDir): string[] =>
  origin === 'local'
    ? brokers.map((broker) => join(run.path, 'logs', `kafka-${broker.split(':')[1]}.log`))
    : []

const FATAL =
  /No space left on device|Disk quota exceeded|Read-only file system|all log dirs .* have failed|OutOfMemoryError/

async function failureIn(logFiles: string[]): Promise<string | undefined> {
  for (const file of logFiles) {
    try {
      // From its beginning: what follows from a full disk fills the end.
      for await (const line of createInterface({ input: createReadStream(file) })) {
        if (FATAL.test(line)) return `Kafka says: ${line.trim().slice(0, 300)}`
      }
    } catch {
      // Its log went with its disk.
    }
  }
  return undefined
}
