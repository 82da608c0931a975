import { dataDirEnv, parseEnv, serviceEnv } from '@lab/common/kit/config.ts'
import { z } from 'zod'

export const schema = z.object({ ...serviceEnv(8002), ...dataDirEnv })
export type Config = z.infer<typeof schema>

export const loadConfig = (env: NodeJS.ProcessEnv): Config => parseEnv(schema, env)
