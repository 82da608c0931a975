import { z } from 'zod'

/** The variables of everything that talks to the broker. */
export const mqttEnv = {
  MQTT_URL: z
    .url({ protocol: /^(mqtts?|wss?)$/ })
    .default('ws://localhost:8083/mqtt')
    .describe('The broker: `mqtt`, `mqtts`, `ws` or `wss`'),
  MQTT_USERNAME: z.string().optional().describe('Name for the broker, when it asks for one'),
  MQTT_PASSWORD: z.string().optional().describe('Password for the broker'),
  SESSION_EXPIRY_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(604_800)
    .default(3_600)
    .describe('How long the broker keeps messages for this service while it is away'),
}

interface MqttEnv {
  MQTT_URL: string
  MQTT_USERNAME?: string | undefined
  MQTT_PASSWORD?: string | undefined
}

/** Where the broker is and who asks, as the environment says. */
export const brokerOf = (env: MqttEnv) => ({
  url: env.MQTT_URL,
  username: env.MQTT_USERNAME,
  password: env.MQTT_PASSWORD,
})
