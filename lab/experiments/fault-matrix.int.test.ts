import { test } from 'vitest'
import { runForTest } from '../testing/run-experiment.ts'
import { faultMatrix } from './fault-matrix.ts'

/** One cell of each part; fault-matrix.long.test.ts has the others of the profile. */
const quick = { ...faultMatrix.profiles.quick, only: 'SIGKILL inventory' }

test('fault-matrix: loses, doubles and strands nothing when inventory is killed under load', ({ signal }) =>
  runForTest({ ...faultMatrix, profiles: { ...faultMatrix.profiles, quick } }, 'quick', signal))
