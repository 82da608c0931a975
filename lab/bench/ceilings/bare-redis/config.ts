import { z } from 'zod'

export const env = z
  .object({ PORT: z.coerce.number(), REDIS_URL: z.string(), SCRIPTS: z.string() })
  .parse(process.env)
