import type { PartSpec } from '@lab/stack/spec.ts'
import { part as asyncRabbitmq } from './async-rabbitmq/part.ts'
import { part as live } from './live/part.ts'
import { part as platformRestman } from './platform-restman/part.ts'
import { part as pubsubMqtt } from './pubsub-mqtt/part.ts'
import { part as realtimeRedis } from './realtime-redis/part.ts'
import { part as streamingKafka } from './streaming-kafka/part.ts'
import { part as syncRest } from './sync-rest/part.ts'

/** Every part of the house, in the order in which people meet them. What is not listed does not exist. */
export const parts: readonly PartSpec[] = [
  syncRest,
  asyncRabbitmq,
  streamingKafka,
  pubsubMqtt,
  realtimeRedis,
  platformRestman,
]

/** What shows them: started like a part beside any of them, and none of them. */
export const livePage: PartSpec = live
