import { fuzzForTest } from '@lab/lab/testing/fuzz.ts'
import { test } from 'vitest'

test('every route holds against odd input', { timeout: 300_000 }, ({ signal }) =>
  fuzzForTest('sync-rest', signal),
)
