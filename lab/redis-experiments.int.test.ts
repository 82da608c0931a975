import { redisFanout } from './experiments/redis-fanout.ts'
import { redisRace } from './experiments/redis-race.ts'
import { experimentsOn } from './testing/experiments-on.ts'

await experimentsOn(['redis'], 'the Redis experiments', [redisRace, redisFanout])
