import { parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'
import { dbEnv } from '../../shared/db/env.ts'
import { identityEnv } from '../../shared/identity/env.ts'
import { kafkaEnv } from '../../shared/kafka/env.ts'
import { smtpEnv } from '../../shared/mail/env.ts'
import { redisEnv } from '../../shared/redis/env.ts'
import { sessionEnv } from '../../shared/redis/sessions.ts'
import { Email } from '../../shared/wire/text.ts'

export const schema = z.object({
  ...serviceEnv(8001),
  ...identityEnv,
  ...dbEnv,
  ...kafkaEnv,
  ...redisEnv,
  ...sessionEnv,
  ...smtpEnv,
  ADMIN_EMAIL: Email.optional().describe(
    'Whoever signs in with this address is an admin; every other role is granted by one',
  ),
  OTP_MAILS_PER_HOUR: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(5)
    .describe('Most codes that are mailed to an address in an hour; a sign-in begins the count anew'),
})
export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv): Config => parseEnv(schema, env)
