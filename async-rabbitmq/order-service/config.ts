import { streamEnv } from '@lab/common/config.ts'
import { dataDirEnv, parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'
import { brokerEnv } from '../broker/env.ts'
import { relayEnv } from '../outbox/env.ts'

export const schema = z.object({
  ...serviceEnv(8000, { 'inventory-service': 8001, 'notification-service': 8002 }),
  ...dataDirEnv,
  ...streamEnv,
  ...brokerEnv,
  ...relayEnv,
  OUTBOX_LIMIT: z.coerce
    .number()
    .int()
    .positive()
    .default(100_000)
    .describe('Orders that may wait for the broker; beyond it POST /order answers 503'),
})

export const loadConfig = (env: NodeJS.ProcessEnv) => parseEnv(schema, env)
