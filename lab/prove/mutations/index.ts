import type { Mutation } from '../prove.ts'
import { rabbitMutations } from './async-rabbitmq.ts'
import { commonMutations } from './common.ts'
import { labMutations } from './lab.ts'
import { liveMutations } from './live.ts'
import { restmanMutations } from './platform-restman.ts'
import { mqttMutations } from './pubsub-mqtt.ts'
import { redisMutations } from './realtime-redis.ts'
import { kafkaMutations } from './streaming-kafka.ts'
import { restMutations } from './sync-rest.ts'

export const mutations: Mutation[] = [
  ...commonMutations,
  ...restMutations,
  ...rabbitMutations,
  ...kafkaMutations,
  ...mqttMutations,
  ...redisMutations,
  ...restmanMutations,
  ...liveMutations,
  ...labMutations,
]
