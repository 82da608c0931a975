import { parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'
import { kafkaEnv } from '../broker/env.ts'

export const schema = z.object({
  ...serviceEnv(8002, { 'producer-order': 8000, 'inventory-consumer': 8001 }),
  ...kafkaEnv,
})
export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv): Config => parseEnv(schema, env)
