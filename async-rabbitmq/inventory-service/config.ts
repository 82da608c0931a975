import { stockEnv } from '@lab/common/config.ts'
import { dataDirEnv, parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'
import { brokerEnv } from '../broker/env.ts'
import { relayEnv } from '../outbox/env.ts'

export const schema = z.object({
  ...serviceEnv(8001, { 'order-service': 8000, 'notification-service': 8002 }),
  ...dataDirEnv,
  ...stockEnv,
  ...brokerEnv,
  ...relayEnv,
  OWNER_WAIT_MS: z.coerce
    .number()
    .int()
    .min(0)
    .default(20_000)
    .describe('How long an owner of the stock with another store may take to go away, before this one exits'),
})

export const loadConfig = (env: NodeJS.ProcessEnv) => parseEnv(schema, env)
