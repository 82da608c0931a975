import { streamEnv } from '@lab/common/config.ts'
import { dataDirEnv, parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'

/** A service by its address; the paths are the seed's. */
const origin = z
  .url({ protocol: /^https?$/, error: 'must be an http address such as http://127.0.0.1:8001', abort: true })
  .refine((url) => new URL(url).pathname === '/' && new URL(url).search === '', 'must have no path')

export const schema = z.object({
  ...serviceEnv(8000, { 'inventory-service': 8001, 'notification-service': 8002 }),
  ...dataDirEnv,
  ...streamEnv,
  INVENTORY_URL: origin.default('http://127.0.0.1:8001').describe('Address of the inventory service'),
  NOTIFICATION_URL: origin.default('http://127.0.0.1:8002').describe('Address of the notification service'),
  UPSTREAM_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(1)
    .max(600_000)
    .default(5_000)
    .describe('Longest wait for the answer to one upstream call, milliseconds'),
  UPSTREAM_CONNECTIONS: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_024)
    .default(128)
    .describe('Most connections to each upstream; a call beyond them waits, within its time-out'),
})
export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv): Config => parseEnv(schema, env)
