import { z } from 'zod'

/** The variables of every service that tells or hears events. */
export const kafkaEnv = {
  KAFKA_BROKERS: z
    .string()
    .default('localhost:9092')
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
      'What the names of all topics and consumer groups begin with at the broker, so that several copies of this part can share one',
    ),
  REPLICATION_FACTOR: z.coerce
    .number()
    .int()
    .min(1)
    .max(32_767)
    .default(1)
    .describe('Replicas of each topic this part creates'),
}

type KafkaEnv = z.output<z.ZodObject<typeof kafkaEnv>>

export const brokersOf = (env: KafkaEnv) => ({
  brokers: env.KAFKA_BROKERS,
  prefix: env.KAFKA_PREFIX,
  replicationFactor: env.REPLICATION_FACTOR,
})
