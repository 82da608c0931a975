import { parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { pageEnv } from '@lab/kit/page.ts'
import { z } from 'zod'

export const schema = z.object({
  ...serviceEnv(5173),
  ...pageEnv,
  VITE_MQTT_URL: z
    .url({ protocol: /^wss?$/ })
    .default('ws://localhost:8083/mqtt')
    .describe(
      'The broker as browsers reach it; a user and password in it are for everybody who can open the page',
    ),
})

export const loadConfig = (env: NodeJS.ProcessEnv) => parseEnv(schema, env)
