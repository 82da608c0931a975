import { redisFanout } from './experiments/redis-fanout.ts'
import { redisPubsubLoss } from './experiments/redis-pubsub-loss.ts'
import { redisRace } from './experiments/redis-race.ts'
import { experimentsOn } from './testing/experiments-on.ts'

await experimentsOn(['redis'], 'the Redis experiments', [redisRace, redisPubsubLoss, redisFanout])
