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
  KAFKA_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9._-]{0,200}$/, {
      error: 'must be at most 200 letters, digits, dots, underscores or hyphens',
    })
    .default('')
    .describe(
      'What the names of all topics, consumer groups and transactional ids begin with at the broker, so that several copies of this part can share one',
    ),
  SESSION_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(1_000)
    .max(60_000)
    .default(6_000)
    .describe(
      'How long a consumer may be silent before others get its partitions, milliseconds; the broker must allow it (`group.min.session.timeout.ms`)',
    ),
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

/** Where the broker is, and under which names, as the environment says. */
export const addressOf = (env: {
  KAFKA_BROKERS: string[]
  KAFKA_PREFIX: string
  SESSION_TIMEOUT_MS: number
}) => ({
  brokers: env.KAFKA_BROKERS,
  prefix: env.KAFKA_PREFIX,
  sessionTimeoutMs: env.SESSION_TIMEOUT_MS,
})

/** How the topics are created, as the environment says. */
export const layoutOf = (env: { REPLICATION_FACTOR: number; PARTITIONS: number }): TopicLayout => ({
  replicationFactor: env.REPLICATION_FACTOR,
  partitions: env.PARTITIONS,
})
