import { parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { pageEnv } from '@lab/kit/page.ts'
import { z } from 'zod'

export const schema = z.object({
  ...serviceEnv(5173),
  ...pageEnv,
  VITE_API_URL: z
    .url({ protocol: /^https?$/ })
    .default('http://localhost:8000')
    .describe('The platform service as browsers reach it; its WebSocket is taken from there as well'),
})

export const loadConfig = (env: NodeJS.ProcessEnv) => parseEnv(schema, env)
