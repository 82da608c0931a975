import { withAdmin } from '@lab/stack/kafka-admin.ts'
import { drivers } from '../../parts/index.ts'
import { ORDER_EVENTS } from '../../parts/streaming-kafka.ts'
import { openKafkaProbe } from '../../probes/kafka.ts'
import { type Acts, type Fault, type FaultBench, NO_BROKER } from '../fault.ts'

const REFUSING_MS = 4_000
const OF_KAFKA = 'it is about Kafka'

/** Every other configuration of the topic goes back to its default, so what the part has set is set again. */
const KEEPS = {
  'retention.ms': '-1',
  'compression.type': 'uncompressed',
  'message.timestamp.type': 'LogAppendTime',
}

/**
 * To a topic that takes no record of a usual size, nothing can be produced. Only where orders come in: on a topic with
 * transactions the broker could not write its own markers either, and would never finish the one under way.
 */
const refuseRecords = ({ part: { kafka } }: FaultBench): Acts => {
  const takeUpTo = async (bytes: number) => {
    await using probe = await openKafkaProbe(kafka!)
    await probe.configure(ORDER_EVENTS, { ...KEEPS, 'max.message.bytes': String(bytes) })
  }
  return {
    inject: async () => {
      await takeUpTo(1)
      return 'records of 1 byte at most'
    },
    heal: () => takeUpTo(1_048_588),
  }
}

/** The log is the database: what is deleted is gone, and the services have to be started on the new one. */
const deleteTopic = ({ part }: FaultBench): Acts => ({
  inject: async () => {
    const { brokers, prefix } = part.kafka!
    await withAdmin(brokers, (admin) => admin.deleteTopics({ topics: [`${prefix}${ORDER_EVENTS}`] }))
    return ORDER_EVENTS
  },
  heal: async () => {
    for (const service of part.services) await service.stop()
    await Promise.all(part.services.map((service) => service.start()))
  },
})

const limitMs = drivers['streaming-kafka'].faults.brokerMs

/** What Kafka holds is taken away or closed while it is used. */
export const kafkaFaults: Fault[] = [
  {
    name: 'below min.insync.replicas',
    kind: 'topology',
    parts: {
      'sync-rest': NO_BROKER,
      'async-rabbitmq': OF_KAFKA,
      'streaming-kafka':
        'of one broker Kafka demands no more replicas than there are (it took every order with 2): see "records refused"',
    },
  },
  {
    name: 'records refused',
    kind: 'topology',
    parts: {
      'sync-rest': NO_BROKER,
      'async-rabbitmq': OF_KAFKA,
      'streaming-kafka': { limitMs, holdMs: REFUSING_MS, on: refuseRecords },
    },
  },
  {
    name: 'topic deleted',
    kind: 'topology',
    parts: {
      'sync-rest': NO_BROKER,
      'async-rabbitmq': OF_KAFKA,
      'streaming-kafka': {
        limitMs,
        holdMs: 1_000,
        on: deleteTopic,
        loss: {
          reason: 'the log is the database: whoever deletes a topic deletes its orders',
          anomalies: ['lost', 'unknown to the service', 'stuck', 'phantom', 'stock not conserved'],
        },
      },
    },
  },
]
