import { fuzzForTest } from '@lab/lab/testing/fuzz.ts'
import { test } from 'vitest'

/** For each route and each consumer; fuzz.long.test.ts goes on with the same seed. */
const CASES = 80

test('every route holds against odd input', ({ signal }) => fuzzForTest('sync-rest', CASES, signal))
