import { redisPubsubLoss } from './experiments/redis-pubsub-loss.ts'
import { experimentsOn } from './testing/experiments-on.ts'

await experimentsOn(['redis'], 'the Redis experiments', [redisPubsubLoss])
