import { z } from 'zod'
import { DEFAULT_LADDER_MS } from './retry-ladder.ts'

const DELAYS = /^\d{1,8}(,\d{1,8}){0,9}$/

/** The variables of every service that talks to RabbitMQ. */
export const brokerEnv = {
  RABBITMQ_URL: z
    .url({ protocol: /^amqps?$/, error: 'is not an amqp:// or amqps:// URL' })
    .default('amqp://guest:guest@127.0.0.1:5672')
    .describe('The broker; the path of the URL is the virtual host'),
  PREFETCH: z.coerce
    .number()
    .int()
    .min(1)
    .max(2_000)
    .default(250)
    .describe('Unacknowledged messages a consumer may hold, and so its largest batch'),
  RETRY_LADDER_MS: z
    .string()
    .regex(DELAYS, { error: 'is not a list of milliseconds such as 1000,5000,30000' })
    .default(DEFAULT_LADDER_MS.join(','))
    .transform((text) => [...new Set(text.split(',').map(Number))])
    .refine((delays) => delays.every((delay) => delay > 0), { error: 'has a step of 0 ms' })
    .describe('Back-off of failed messages, milliseconds a step; the same for all services of a broker'),
  RETRY_FOR_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(86_400)
    .default(900)
    .describe(
      'How long a message that keeps failing is retried: the last step of the ladder repeats until the waits add up to this; then `dlq_queue`',
    ),
}
