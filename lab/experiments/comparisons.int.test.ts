import { test } from 'vitest'
import { runForTest } from '../testing/run-experiment.ts'
import { compareDuplicates } from './compare-duplicates.ts'
import { compareKnee } from './compare-knee.ts'
import { compareLatency } from './compare-latency.ts'
import { compareOutage } from './compare-outage.ts'
import { kafkaAcks } from './kafka-acks.ts'
import { kafkaPartitions } from './kafka-partitions.ts'
import { rabbitPrefetch } from './rabbit-prefetch.ts'

test('compare-duplicates: moves stock once for what is sent or delivered more than once', ({ signal }) =>
  runForTest(compareDuplicates, 'quick', signal))

test('compare-knee: carries the lowest rate in every style, and accounts for the orders of every step', ({
  signal,
}) => runForTest(compareKnee, 'quick', signal))

test('compare-latency: accepts every order that is offered, and loses none', ({ signal }) =>
  runForTest(compareLatency, 'quick', signal))

test('compare-outage: loses nothing in any style when inventory crashes under load', ({ signal }) =>
  runForTest(compareOutage, 'quick', signal))

test('kafka-acks: keeps what is acknowledged, and tells of a refusal unless nobody is asked', ({ signal }) =>
  runForTest(kafkaAcks, 'quick', signal))

test('kafka-partitions: gives one process all partitions, and keeps every order', ({ signal }) =>
  runForTest(kafkaPartitions, 'quick', signal))

test('rabbit-prefetch: hands out as many messages as the prefetch, and works the backlog off', ({ signal }) =>
  runForTest(rabbitPrefetch, 'quick', signal))
