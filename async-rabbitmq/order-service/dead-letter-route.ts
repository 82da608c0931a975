import type { RoutePlugin } from '@lab/kit/http.ts'
import { Problem } from '@lab/kit/problem.ts'
import { z } from 'zod'

const HandledDeadLetter = z.object({
  seq: z.int(),
  message_id: z.string(),
  queue: z.string().describe('The queue it was published to again'),
  outcome: z.enum(['ack', 'duplicate']).describe('`duplicate`: recognised as a repeat, without effect'),
  at: z.number().describe('When the order service heard of it, seconds since the epoch'),
})
export const HandledDeadLetters = z
  .object({
    last: z
      .int()
      .describe('The number of the last one there was; lower than before after a restart without DATA_DIR'),
    handled: z.array(HandledDeadLetter).describe('At most 1,000, oldest first'),
  })
  .meta({ id: 'HandledDeadLetters' })
export type HandledDeadLetters = z.infer<typeof HandledDeadLetters>

const schema = {
  summary: 'Dead letters that were published again, and handled',
  tags: ['orders'],
  querystring: z.strictObject({
    after: z.coerce
      .number()
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER)
      .default(0)
      .describe('Only those after this number'),
  }),
  response: { 200: HandledDeadLetters, 400: Problem },
}

/** Whoever publishes a dead letter again learns here what its consumer made of it. */
export const deadLetterRoute =
  (handled: (after: number) => HandledDeadLetters): RoutePlugin =>
  async (app) => {
    app.get('/dead-letters/handled', { schema }, async ({ query }) => handled(query.after))
  }
