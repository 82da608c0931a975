import { fuzzForTest } from '@lab/lab/testing/fuzz.ts'
import { test } from 'vitest'

/** For each route and each consumer. */
const CASES = 2_000
/** Some thirty routes and consumers. */
const TIMEOUT_MS = 900_000

test('every route holds against odd input', { timeout: TIMEOUT_MS }, ({ signal }) =>
  fuzzForTest('sync-rest', CASES, signal),
)
