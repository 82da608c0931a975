import { randomUUID } from 'node:crypto'
import { within } from '@lab/kit/wait.ts'
import type { KafkaBroker } from '@lab/stack/servers/kafka/broker.ts'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import '@lab/stack/kafkajs-guard.ts'

const CALL_MS = 20_000

const connect = ({ brokers }: KafkaBroker) =>
  new Kafka({ clientId: 'foreign', brokers, connectionTimeout: 3_000, logLevel: logLevel.NOTHING })

/** Somebody else's program that reads a topic as a member of a group of the part, and commits what it reads. */
export async function joinAsForeignMember(
  broker: KafkaBroker,
  { group, topic }: { group: string; topic: string },
): Promise<{ leave: () => Promise<void> }> {
  const consumer = connect(broker).consumer({
    groupId: `${broker.prefix}${group}`,
    maxWaitTimeInMs: 250,
    allowAutoTopicCreation: false,
  })
  const joined = Promise.withResolvers<void>()
  consumer.on('consumer.group_join', () => joined.resolve())
  await consumer.connect()
  await consumer.subscribe({ topic: `${broker.prefix}${topic}`, fromBeginning: true })
  await consumer.run({ eachMessage: async () => {} })
  await within(joined.promise, CALL_MS, `a foreign client to join ${group}`)
  let leaving: Promise<void> | undefined
  const leave = () => {
    leaving ??= within(consumer.disconnect(), CALL_MS, `a foreign client to leave ${group}`)
    return leaving
  }
  return { leave }
}

/** A transaction of somebody else with one record in each partition: until it ends, nothing behind it can be read. */
export async function openForeignTransaction(
  broker: KafkaBroker,
  { topic, partitions }: { topic: string; partitions: number },
): Promise<{ abort: () => Promise<void> }> {
  const producer = connect(broker).producer({
    transactionalId: `${broker.prefix}foreign-${randomUUID()}`,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  })
  await producer.connect()
  const transaction = await producer.transaction()
  const messages = Array.from({ length: partitions }, (_, partition) => ({ partition, value: 'never there' }))
  await transaction.send({ topic: `${broker.prefix}${topic}`, messages })
  return {
    abort: async () => {
      await within(transaction.abort(), CALL_MS, 'a transaction to be aborted')
      await within(producer.disconnect(), CALL_MS, 'a foreign client to leave')
    },
  }
}
