import { rabbitBacklog } from '@lab/lab/experiments/rabbit-backlog.ts'
import { runForTest } from '@lab/lab/testing/run-experiment.ts'
import { test } from 'vitest'

test('rabbit-backlog: keeps orders while inventory is away, and reserves them all afterwards', ({ signal }) =>
  runForTest(rabbitBacklog, 'quick', signal))
