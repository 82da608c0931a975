import { dataDirEnv, parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'

export const schema = z.object({
  ...serviceEnv(8002, { 'order-service': 8000, 'inventory-service': 8001 }),
  ...dataDirEnv,
})
export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv): Config => parseEnv(schema, env)
