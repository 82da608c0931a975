import { test } from 'vitest'
import { runForTest } from '../testing/run-experiment.ts'
import { faultMatrix } from './fault-matrix.ts'

/** A few cells, each with a part of its own to start and to stop. */
const TIMEOUT_MS = 400_000

test(
  'fault-matrix: loses, doubles and strands nothing when a service is killed or restarted under load',
  {
    timeout: TIMEOUT_MS,
  },
  ({ signal }) => runForTest(faultMatrix, 'quick', signal),
)
