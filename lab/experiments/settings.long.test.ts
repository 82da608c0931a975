import { test } from 'vitest'
import { runForTest } from '../testing/run-experiment.ts'
import { kafkaAcks } from './kafka-acks.ts'
import { kafkaPartitions } from './kafka-partitions.ts'
import { rabbitPrefetch } from './rabbit-prefetch.ts'

test('kafka-acks: keeps what is acknowledged, and tells of a refusal unless nobody is asked', ({ signal }) =>
  runForTest(kafkaAcks, 'quick', signal))

test('kafka-partitions: gives one process all partitions, and keeps every order', ({ signal }) =>
  runForTest(kafkaPartitions, 'quick', signal))

test('rabbit-prefetch: hands out as many messages as the prefetch, and works the backlog off', ({ signal }) =>
  runForTest(rabbitPrefetch, 'quick', signal))
