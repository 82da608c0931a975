import { parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'
import { dbEnv } from '../../shared/db/env.ts'
import { identityEnv } from '../../shared/identity/env.ts'
import { kafkaEnv } from '../../shared/kafka/env.ts'

export const schema = z.object({
  ...serviceEnv(8005),
  ...identityEnv,
  ...dbEnv,
  ...kafkaEnv,
})
export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv): Config => parseEnv(schema, env)
