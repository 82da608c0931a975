import { dataDirEnv, parseEnv, serviceEnv } from '@lab/kit/config.ts'
import { z } from 'zod'
import { mqttEnv } from '../mqtt/env.ts'

const prepMs = (fallback: number) => z.coerce.number().int().min(0).max(600_000).default(fallback)

export const schema = z
  .object({
    ...serviceEnv(8000),
    ...dataDirEnv,
    ...mqttEnv,
    KITCHEN_ID: z
      .string()
      .regex(/^[\w-]{1,32}$/)
      .default('kitchen')
      .describe('Name of this kitchen; every kitchen of one broker has its own'),
    PREP_MIN_MS: prepMs(800).describe('Shortest time an order is cooked'),
    PREP_MAX_MS: prepMs(4_000).describe('Longest time an order is cooked'),
    PREP_SEED: z.coerce
      .number()
      .int()
      .optional()
      .describe('Makes the cooking times the same at every start; without it they are random'),
    MAX_COOKING: z.coerce
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .describe('Orders cooked at the same time'),
    QUEUE_LIMIT: z.coerce
      .number()
      .int()
      .min(0)
      .max(10_000)
      .default(1_000)
      .describe('Orders that may wait to be cooked; beyond it the answer is `kitchen is full`'),
  })
  .refine(({ PREP_MIN_MS, PREP_MAX_MS }) => PREP_MIN_MS <= PREP_MAX_MS, {
    path: ['PREP_MIN_MS'],
    error: 'must not be more than PREP_MAX_MS',
  })

export const loadConfig = (env: NodeJS.ProcessEnv) => parseEnv(schema, env)
