import { z } from 'zod'
import { DEFAULT_PARTITIONS, type TopicLayout } from './topics.ts'

/** The variables every service of this part reads. */
export const kafkaEnv = {
  KAFKA_BROKERS: z
    .string()
    .default('127.0.0.1:9092')
    .transform((text) => text.split(',').map((broker) => broker.trim()))
    .refine((brokers) => brokers.every((broker) => /^[^\s:]+:\d{1,5}$/.test(broker)), {
      error: 'is not a list of host:port separated by commas',
    })
    .describe('Kafka brokers to start from, host:port separated by commas'),
  REPLICATION_FACTOR: z.coerce
    .number()
    .int()
    .min(1)
    .max(32_767)
    .default(1)
    .describe('Replicas of each topic this part creates'),
  PARTITIONS: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(DEFAULT_PARTITIONS)
    .describe('Partitions of `order-events` and `inventory-events` when this part creates them'),
}

/** How the topics are created, as the environment says. */
export const layoutOf = (env: { REPLICATION_FACTOR: number; PARTITIONS: number }): TopicLayout => ({
  replicationFactor: env.REPLICATION_FACTOR,
  partitions: env.PARTITIONS,
})
