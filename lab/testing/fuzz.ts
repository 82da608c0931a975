import { expect, inject } from 'vitest'
import { fuzzPart } from '../fuzz/parts/fuzz-part.ts'
import { casesOf, findingsOf } from '../fuzz/results.ts'
import { findingLines } from '../fuzz/tables.ts'
import { type PartName, parts } from '../stack/parts.ts'
import { joinRunDir } from './join-run-dir.ts'

/** The same in every run: a test that fails has to fail again. `npm run bench -- fuzz` goes through new cases each time. */
const SEED = 1
const CASES = 200

/** Fuzzes a part as the benchmark does, with fewer cases, on the broker of the test run, and expects no finding. */
export async function fuzzForTest(part: PartName, signal: AbortSignal): Promise<void> {
  // The test run owns the brokers.
  const close = async () => {}
  const session = {
    run: joinRunDir(),
    signal,
    rabbit: async () => ({ ...inject('rabbit'), close }),
    kafka: async () => ({ ...inject('kafka'), close }),
  }
  const targets = await fuzzPart({ session, part, cases: CASES, seed: SEED, progress: () => {} })

  const fuzzed = { part, seconds: 0, targets }
  expect(findingLines(fuzzed, SEED).join('\n')).toBe('')
  expect(findingsOf(fuzzed)).toEqual([])
  expect(casesOf(fuzzed)).toBe(targets.length * CASES)
  expect(targets.length).toBeGreaterThan(parts[part].broker ? 28 : 25)
}
