import { stockEnv } from '@lab/common/config.ts'
import { parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'
import { kafkaEnv } from '../broker/env.ts'

export const schema = z.object({
  ...serviceEnv(8001, { 'producer-order': 8000, 'analytics-consumer': 8002 }),
  ...kafkaEnv,
  ...stockEnv,
})
export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv): Config => parseEnv(schema, env)
