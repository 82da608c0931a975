import { streamEnv } from '@lab/common/config.ts'
import { parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'
import { kafkaEnv } from '../broker/env.ts'

export const schema = z.object({
  ...serviceEnv(8000, { 'inventory-consumer': 8001, 'analytics-consumer': 8002 }),
  ...kafkaEnv,
  ...streamEnv,
  PRODUCE_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(60_000)
    .default(5_000)
    .describe('Longest wait for the log to acknowledge an order, milliseconds; then 503'),
  PRODUCER_ACKS: z
    .enum(['0', '1', 'all'])
    .default('all')
    .describe(
      'Whose acknowledgement an order waits for: all in-sync replicas, 1 (the leader alone) or 0 (nobody). Anything but `all` can lose acknowledged orders; for experiments',
    ),
})
export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv): Config => parseEnv(schema, env)
