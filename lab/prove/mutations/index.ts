import type { Mutation } from '../mutation.ts'
import { rabbitMutations } from './async-rabbitmq.ts'
import { commonMutations } from './common.ts'
import { labMutations } from './lab.ts'
import { kafkaMutations } from './streaming-kafka.ts'
import { restMutations } from './sync-rest.ts'

export const mutations: Mutation[] = [
  ...commonMutations,
  ...restMutations,
  ...rabbitMutations,
  ...kafkaMutations,
  ...labMutations,
]
