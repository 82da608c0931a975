import { z } from 'zod'

/** The variables of a service that publishes from an outbox. */
export const relayEnv = {
  CONFIRM_WINDOW: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(512)
    .describe('Events that may be published and not yet confirmed'),
}
