import { parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'
import { identityEnv } from '../shared/identity/env.ts'
import { redisEnv } from '../shared/redis/env.ts'
import { sessionEnv } from '../shared/redis/sessions.ts'

const origin = (service: string, port: number) =>
  z
    .url({ protocol: /^https?$/ })
    .refine((url) => new URL(url).pathname === '/' && new URL(url).search === '', 'must have no path')
    .default(`http://127.0.0.1:${port}`)
    .describe(`Address of the ${service}`)

const perMinute = (fallback: number) => z.coerce.number().int().min(1).max(10_000_000).default(fallback)

export const schema = z.object({
  ...serviceEnv(8000),
  ...identityEnv,
  ...redisEnv,
  ...sessionEnv,
  AUTH_SERVICE_URL: origin('auth service', 8001),
  RESTAURANT_SERVICE_URL: origin('restaurant service', 8002),
  ORDER_SERVICE_URL: origin('order service', 8003),
  KITCHEN_SERVICE_URL: origin('kitchen service', 8004),
  BILLING_SERVICE_URL: origin('billing service', 8005),
  ANALYTICS_SERVICE_URL: origin('analytics service', 8006),
  SCHEDULER_SERVICE_URL: origin('scheduler service', 8007),
  UPSTREAM_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(1)
    .max(600_000)
    .default(5_000)
    .describe(
      'Longest wait for the answer of a service, milliseconds; longer than services wait for each other',
    ),
  UPSTREAM_CONNECTIONS: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_024)
    .default(64)
    .describe('Most connections to each service; a call beyond them waits, within its time-out'),
  CLIENT_LIMIT: perMinute(6_000).describe(
    'Requests a minute from one address; a sixth of them may come at once',
  ),
  ACCOUNT_LIMIT: perMinute(3_000).describe('Requests a minute of one account, from wherever'),
  SIGN_IN_LIMIT: perMinute(60).describe('Requests a minute from one address to the routes without a session'),
  MAIL_PAGE_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Page of a mail catcher, linked from the page of an order'),
  TRUSTED_PROXIES: z
    .string()
    .regex(/^([\da-fA-F.:]+)(\s*,\s*[\da-fA-F.:]+)*$/)
    .optional()
    .describe('Addresses, separated by commas, whose X-Forwarded-For says where a request comes from'),
})
export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv): Config => parseEnv(schema, env)
