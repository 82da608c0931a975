import { parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'
import { dbEnv } from '../../shared/db/env.ts'
import { identityEnv } from '../../shared/identity/env.ts'
import { kafkaEnv } from '../../shared/kafka/env.ts'
import { smtpEnv } from '../../shared/mail/env.ts'

export const schema = z.object({
  ...serviceEnv(8004),
  ...identityEnv,
  ...dbEnv,
  ...kafkaEnv,
  ...smtpEnv,
})
export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv): Config => parseEnv(schema, env)
