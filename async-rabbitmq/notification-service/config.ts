import { dataDirEnv, parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'
import { brokerEnv } from '../broker/env.ts'

export const schema = z.object({
  ...serviceEnv(8002, { 'order-service': 8000, 'inventory-service': 8001 }),
  ...dataDirEnv,
  ...brokerEnv,
})

export const loadConfig = (env: NodeJS.ProcessEnv) => parseEnv(schema, env)
