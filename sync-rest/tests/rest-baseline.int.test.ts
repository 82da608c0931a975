import { restBaseline } from '@lab/lab/experiments/rest-baseline.ts'
import { runForTest } from '@lab/lab/testing/run-experiment.ts'
import { test } from 'vitest'

test('rest-baseline: answers every sequential order with 201', ({ signal }) =>
  runForTest(restBaseline, 'quick', signal))
