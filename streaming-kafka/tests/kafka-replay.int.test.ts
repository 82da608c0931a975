import { kafkaReplay } from '@lab/lab/experiments/kafka-replay.ts'
import { runForTest } from '@lab/lab/testing/run-experiment.ts'
import { test } from 'vitest'

test('kafka-replay: ends a replay with the same projection, also while orders arrive', ({ signal }) =>
  runForTest(kafkaReplay, 'quick', signal))
