import { z } from 'zod'

export const env = z.object({ PORT: z.string(), MQTT_URL: z.string() }).parse(process.env)
