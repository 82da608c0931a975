import { parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'
import { identityEnv } from '../../shared/identity/env.ts'
import { kafkaEnv } from '../../shared/kafka/env.ts'

export const schema = z.object({
  ...serviceEnv(8006),
  ...identityEnv,
  ...kafkaEnv,
  CLICKHOUSE_URL: z
    .url({ protocol: /^https?$/ })
    .default('http://localhost:8124')
    .describe('HTTP address of the analytics database, with credentials where it asks for them'),
  CLICKHOUSE_DATABASE: z
    .string()
    .regex(/^[\w.-]{1,100}$/)
    .default('restman_analytics')
    .describe('Database of the analytics tables; it is made when it is not there'),
})

export const loadConfig = (env: NodeJS.ProcessEnv) => parseEnv(schema, env)
