import { parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'
import { dbEnv } from '../../shared/db/env.ts'
import { identityEnv } from '../../shared/identity/env.ts'
import { kafkaEnv } from '../../shared/kafka/env.ts'

export const schema = z.object({
  ...serviceEnv(8003),
  ...identityEnv,
  ...dbEnv,
  ...kafkaEnv,
  RESTAURANT_SERVICE_URL: z
    .url({ protocol: /^https?$/ })
    .default('http://localhost:8002')
    .describe('Address of the restaurant service'),
  QUOTE_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(1)
    .max(60_000)
    .default(2_000)
    .describe('Longest wait for the names and prices of an order, milliseconds'),
})
export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv): Config => parseEnv(schema, env)
