import { dataDirEnv, parseEnv, serviceEnv, stockEnv } from '@lab/common/kit/config.ts'
import { z } from 'zod'

export const schema = z.object({ ...serviceEnv(8001), ...dataDirEnv, ...stockEnv })
export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv): Config => parseEnv(schema, env)
