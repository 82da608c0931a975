import { stockEnv } from '@lab/common/config.ts'
import { dataDirEnv, parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'

export const schema = z.object({
  ...serviceEnv(8001, { 'order-service': 8000, 'notification-service': 8002 }),
  ...dataDirEnv,
  ...stockEnv,
})
export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv): Config => parseEnv(schema, env)
