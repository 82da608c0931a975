import { test } from 'vitest'
import { runForTest } from '../testing/run-experiment.ts'
import { compareKnee } from './compare-knee.ts'
import { compareLatency } from './compare-latency.ts'

test('compare-knee: carries the lowest rate in every style, and accounts for the orders of every step', ({
  signal,
}) => runForTest(compareKnee, 'quick', signal))

test('compare-latency: accepts every order that is offered, and loses none', ({ signal }) =>
  runForTest(compareLatency, 'quick', signal))
