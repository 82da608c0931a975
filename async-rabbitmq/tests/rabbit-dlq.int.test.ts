import { rabbitDlq } from '@lab/lab/experiments/rabbit-dlq.ts'
import { runForTest } from '@lab/lab/testing/run-experiment.ts'
import { test } from 'vitest'

test('rabbit-dlq: sets malformed messages aside with their reason and works on', ({ signal }) =>
  runForTest(rabbitDlq, 'quick', signal))
