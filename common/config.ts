import { messageOf } from '@lab/kit/errors.ts'
import { z } from 'zod'
import { parseStock } from './domain/stock.ts'

export const streamEnv = {
  MAX_STREAM_CLIENTS: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_024)
    .default(64)
    .describe('Most readers of `GET /orders/stream` at once; the next is answered 503'),
}

export const stockEnv = {
  STOCK: z
    .string()
    .default('burger=100,pizza=100,salad=100')
    .transform((text, ctx) => {
      try {
        return parseStock(text)
      } catch (err) {
        ctx.addIssue({ code: 'custom', message: messageOf(err) })
        return z.NEVER
      }
    })
    .describe('Stock a new store starts with, item=count separated by commas'),
}
