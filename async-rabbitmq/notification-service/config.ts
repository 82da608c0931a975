import { dataDirEnv, parseEnv, serviceEnv } from '@lab/common/kit/config.ts'
import { z } from 'zod'
import { brokerEnv } from '../broker/env.ts'

export const schema = z.object({ ...serviceEnv(8002), ...dataDirEnv, ...brokerEnv })

export const loadConfig = (env: NodeJS.ProcessEnv) => parseEnv(schema, env)
