import type { ServerName } from '@lab/stack/servers/index.ts'
import { expect } from 'vitest'
import { fuzzPart } from '../fuzz/fuzz-part.ts'
import { describeFinding } from '../fuzz/results.ts'
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

  const findings = targets.flatMap((target) => target.findings)
  expect(findings.map((finding) => describeFinding(part, finding, SEED)).join('\n')).toBe('')
  expect(targets.every((target) => target.cases === cases)).toBe(true)
  expect(targets.length).toBeGreaterThan(trioSpec(part).servers.length > 0 ? 28 : 25)
}
