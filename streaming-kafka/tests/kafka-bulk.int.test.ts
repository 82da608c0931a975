import { kafkaBulk } from '@lab/lab/experiments/kafka-bulk.ts'
import { runForTest } from '@lab/lab/testing/run-experiment.ts'
import { test } from 'vitest'

test('kafka-bulk: counts exactly what is in the topics', ({ signal }) =>
  runForTest(kafkaBulk, 'quick', signal))
