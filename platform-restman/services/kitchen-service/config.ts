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
  ORDER_SERVICE_URL: z
    .url({ protocol: /^https?$/ })
    .default('http://localhost:8003')
    .describe('Address of the order service, which says whether an order may be begun'),
})
export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv): Config => parseEnv(schema, env)
