import { parseEnv, serviceEnv, stockEnv } from '@lab/common/kit/config.ts'
import { z } from 'zod'
import { kafkaEnv } from '../broker/env.ts'

export const schema = z.object({ ...serviceEnv(8001), ...kafkaEnv, ...stockEnv })
export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv): Config => parseEnv(schema, env)
