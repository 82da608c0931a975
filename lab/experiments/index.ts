import { compareDuplicates } from './compare-duplicates.ts'
import { compareKnee } from './compare-knee.ts'
import { compareLatency } from './compare-latency.ts'
import { compareOutage } from './compare-outage.ts'
import type { Experiment } from './experiment.ts'
import { faultMatrix } from './fault-matrix.ts'
import { kafkaAcks } from './kafka-acks.ts'
import { kafkaBulk } from './kafka-bulk.ts'
import { kafkaLag } from './kafka-lag.ts'
import { kafkaPartitions } from './kafka-partitions.ts'
import { kafkaReplay } from './kafka-replay.ts'
import { mqttFanout } from './mqtt-fanout.ts'
import { mqttOffline } from './mqtt-offline.ts'
import { mqttQos } from './mqtt-qos.ts'
import { rabbitBacklog } from './rabbit-backlog.ts'
import { rabbitDlq } from './rabbit-dlq.ts'
import { rabbitIdempotency } from './rabbit-idempotency.ts'
import { rabbitPrefetch } from './rabbit-prefetch.ts'
import { redisFanout } from './redis-fanout.ts'
import { redisPubsubLoss } from './redis-pubsub-loss.ts'
import { redisRace } from './redis-race.ts'
import { restBaseline } from './rest-baseline.ts'
import { restDelay } from './rest-delay.ts'
import { restFailure } from './rest-failure.ts'
import { restmanJourney } from './restman-journey.ts'
import { restmanOutage } from './restman-outage.ts'
import { restmanReplay } from './restman-replay.ts'

/** What `npm run lab` shows without a word: the experiments every reader begins with, in this order. */
export const tour: Experiment[] = [
  restBaseline,
  restDelay,
  restFailure,
  rabbitBacklog,
  rabbitIdempotency,
  rabbitDlq,
  kafkaBulk,
  kafkaLag,
  kafkaReplay,
  mqttQos,
  mqttOffline,
  mqttFanout,
  redisRace,
  redisPubsubLoss,
  redisFanout,
  compareLatency,
]

/** All experiments; those after the tour compare styles and settings, and take their time. */
export const experiments: Experiment[] = [
  ...tour,
  compareOutage,
  compareKnee,
  compareDuplicates,
  faultMatrix,
  rabbitPrefetch,
  kafkaAcks,
  kafkaPartitions,
  restmanJourney,
  restmanOutage,
  restmanReplay,
]
