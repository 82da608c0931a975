import { z } from 'zod'

/** The variable of everything that talks to Redis. */
export const redisEnv = {
  REDIS_URL: z
    .url({ protocol: /^rediss?$/ })
    .default('redis://127.0.0.1:6379')
    .describe('Redis, with its name, password and database where it has them'),
}
