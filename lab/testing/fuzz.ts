import type { ServerName } from '@lab/stack/servers/index.ts'
import { expect } from 'vitest'
import { fuzzPart } from '../fuzz/fuzz-part.ts'
import { casesOf, findingLines, findingsOf } from '../fuzz/results.ts'
import { type TrioName, trioSpec } from '../trio.ts'
import { joinRunDir } from './join-run-dir.ts'
import { sharedServer } from './shared-server.ts'

/** The same in every run: a test that fails has to fail again. `npm run bench -- fuzz` goes through new cases each time. */
const SEED = 1

/** Fuzzes a part as the benchmark does, with fewer cases, on the broker of the test run, and expects no finding. */
export async function fuzzForTest(part: TrioName, cases: number, signal: AbortSignal): Promise<void> {
  const session = {
    run: joinRunDir(),
    signal,
    server: async <Name extends ServerName>(name: Name) => sharedServer(name),
  }
  const targets = await fuzzPart({ session, part, cases, seed: SEED, progress: () => {} })

  const fuzzed = { part, seconds: 0, targets }
  expect(findingLines(fuzzed, SEED).join('\n')).toBe('')
  expect(findingsOf(fuzzed)).toEqual([])
  expect(casesOf(fuzzed)).toBe(targets.length * cases)
  expect(targets.length).toBeGreaterThan(trioSpec(part).servers.length > 0 ? 28 : 25)
}
