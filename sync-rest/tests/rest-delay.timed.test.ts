import { restDelay } from '@lab/lab/experiments/rest-delay.ts'
import { runForTest } from '@lab/lab/testing/run-experiment.ts'
import { test } from 'vitest'

test('rest-delay: pays for a slow inventory, and gives back what a time-out had reserved', ({ signal }) =>
  runForTest(restDelay, 'quick', signal))
