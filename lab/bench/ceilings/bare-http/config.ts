import { z } from 'zod'

/** The environment that every service of a bare chain is started with. */
export const { HOST, PORT, INVENTORY_URL, NOTIFICATION_URL } = z
  .object({
    HOST: z.string(),
    PORT: z.coerce.number(),
    INVENTORY_URL: z.url().optional(),
    NOTIFICATION_URL: z.url().optional(),
  })
  .parse(process.env)
