import { fuzzForTest } from '@lab/lab/testing/fuzz.ts'
import { test } from 'vitest'

test('every route and every consumer hold against odd input', ({ signal }) =>
  fuzzForTest('streaming-kafka', signal))
