import { z } from 'zod'
import { BrokerRecord } from '../report/results.ts'
import { CeilingsResults, Comparison } from './ceilings/results.ts'

export const MQTT_SCHEMA_VERSION = 1

/** `mqtt.json`. */
export const MqttResults = CeilingsResults.omit({ parts: true }).extend({
  schema_version: z.literal(MQTT_SCHEMA_VERSION),
  bench: z.literal('mqtt'),
  brokers: z.array(BrokerRecord.extend({ kind: z.literal('mosquitto') })),
  round_orders: z.int().describe('Orders of one round'),
  comparison: Comparison,
  peak_rss_bytes: z.number().describe('The most that the kitchen had resident at the end of a round'),
  valid: z.boolean().describe('Whether every order had its food once'),
})
export type MqttResults = z.infer<typeof MqttResults>
