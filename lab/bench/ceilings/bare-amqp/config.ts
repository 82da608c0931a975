import { z } from 'zod'

/** What a service of this chain needs besides an address. */
export const { RABBITMQ_URL } = z.object({ RABBITMQ_URL: z.url() }).parse(process.env)
