import { rabbitIdempotency } from '@lab/lab/experiments/rabbit-idempotency.ts'
import { runForTest } from '@lab/lab/testing/run-experiment.ts'
import { test } from 'vitest'

test('rabbit-idempotency: moves stock once however often a message is delivered', ({ signal }) =>
  runForTest(rabbitIdempotency, 'quick', signal))
