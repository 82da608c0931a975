import { parseEnv, serviceEnv } from '@lab/common/kit/config.ts'
import { z } from 'zod'
import { kafkaEnv } from '../broker/env.ts'

export const schema = z.object({ ...serviceEnv(8002), ...kafkaEnv })
export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv): Config => parseEnv(schema, env)
