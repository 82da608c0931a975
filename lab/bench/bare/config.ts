import { z } from 'zod'

const optional = z.string().default('')

/** The environment that a bare service is started with; each needs some of it. */
export const env = z
  .object({
    HOST: z.string().default('127.0.0.1'),
    PORT: z.coerce.number(),
    /** Of a chain: order, inventory or notification. */
    ROLE: optional,
    INVENTORY_URL: optional,
    NOTIFICATION_URL: optional,
    RABBITMQ_URL: optional,
    MQTT_URL: optional,
    REDIS_URL: optional,
    SCRIPTS: optional,
  })
  .parse(process.env)
