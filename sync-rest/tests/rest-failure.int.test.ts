import { restFailure } from '@lab/lab/experiments/rest-failure.ts'
import { runForTest } from '@lab/lab/testing/run-experiment.ts'
import { test } from 'vitest'

test('rest-failure: refuses orders while inventory fails, and moves nothing', ({ signal }) =>
  runForTest(restFailure, 'quick', signal))
