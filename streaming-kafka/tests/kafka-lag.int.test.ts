import { kafkaLag } from '@lab/lab/experiments/kafka-lag.ts'
import { runForTest } from '@lab/lab/testing/run-experiment.ts'
import { test } from 'vitest'

test('kafka-lag: shows how far a slow consumer is behind, and a stopped one', ({ signal }) =>
  runForTest(kafkaLag, 'quick', signal))
