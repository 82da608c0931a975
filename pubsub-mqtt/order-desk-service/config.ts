import { dataDirEnv, parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'
import { mqttEnv } from '../mqtt/env.ts'

export const schema = z.object({ ...serviceEnv(8001), ...dataDirEnv, ...mqttEnv })

export const loadConfig = (env: NodeJS.ProcessEnv) => parseEnv(schema, env)
