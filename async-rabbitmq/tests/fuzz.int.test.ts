import { fuzzForTest } from '@lab/lab/testing/fuzz.ts'
import { test } from 'vitest'

/** For each route and each consumer; fuzz.long.test.ts goes on with the same seed. */
const CASES = 80

test('every route and every consumer hold against odd input', ({ signal }) =>
  fuzzForTest('async-rabbitmq', CASES, signal))
