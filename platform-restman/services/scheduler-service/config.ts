import { parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'
import { dbEnv } from '../../shared/db/env.ts'
import { identityEnv } from '../../shared/identity/env.ts'
import { kafkaEnv } from '../../shared/kafka/env.ts'
import { smtpEnv } from '../../shared/mail/env.ts'

const address = (port: number, what: string) =>
  z
    .url({ protocol: /^https?$/ })
    .default(`http://localhost:${port}`)
    .describe(`Address of ${what}`)
const seconds = (fallback: number) => z.coerce.number().min(0.1).max(31_536_000).default(fallback)

export const schema = z.object({
  ...serviceEnv(8007),
  ...identityEnv,
  ...dbEnv,
  ...kafkaEnv,
  ...smtpEnv,
  AUTH_SERVICE_URL: address(8001, 'the auth service'),
  RESTAURANT_SERVICE_URL: address(8002, 'the restaurant service'),
  ORDER_SERVICE_URL: address(8003, 'the order service'),
  KITCHEN_SERVICE_URL: address(8004, 'the kitchen service'),
  BILLING_SERVICE_URL: address(8005, 'the billing service'),
  ANALYTICS_SERVICE_URL: address(8006, 'the analytics service'),
  REPORT_TO: z.email().optional().describe('Who gets the daily report; without it nobody does'),
  UNPAID_SECONDS: seconds(3_600).describe(
    'How long an order may wait for its kitchen unpaid; then it is cancelled',
  ),
  STALE_SECONDS: seconds(14_400).describe(
    'How long an order may wait for its kitchen at all; then it is cancelled',
  ),
  EXPIRE_EVERY_SECONDS: seconds(10).describe('How often unpaid and stale orders are looked for'),
  DAY_GRACE_SECONDS: seconds(600).describe(
    'How long after midnight (UTC) a day is closed, for events that are late',
  ),
  CLEAN_EVERY_SECONDS: seconds(3_600).describe('How often every service is asked to clean up'),
  KEEP_HOURS: z.coerce
    .number()
    .min(1)
    .max(87_600)
    .default(720)
    .describe('How long published events, heard events and roads are kept; longer than topics keep them'),
  LEASE_SECONDS: seconds(15).describe('How long a scheduler that has died keeps the others from its work'),
})

export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv) => parseEnv(schema, env)
