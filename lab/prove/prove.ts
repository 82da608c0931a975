import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '@lab/kit/errors.ts'
import { type Check, type Mutation, mutated, needsSetUp } from './mutation.ts'
import { type Bench, runTests, type TestResult } from './run-tests.ts'

/**
 * - caught    the check failed, and `by` is the test that did
 * - survived  the check did not notice
 * - no proof  the check could not be run with the mutation, so it proves nothing
 */
export interface Proof {
  name: string
  breaks: string
  verdict: 'caught' | 'survived' | 'no proof'
  by: string
}

/** Runs every check on the code as it is. Answers, by test file, why a check proves nothing: it is red already, or tests nothing. */
export async function unfitChecks(mutations: Mutation[], bench: Bench): Promise<Map<string, string>> {
  const checks = mutations.map(({ check }) => check)
  const unfit = new Map<string, string>()
  for (const together of Map.groupBy(checks, companyOf).values()) {
    const results = await runTests(together, bench)
    for (const { test } of together) {
      const problem = problemOf(results.find(({ file }) => file === test))
      if (problem !== undefined) unfit.set(test, problem)
    }
  }
  return unfit
}

/** Checks that one vitest can run: of the same set-up, and all of them whole files or all of them by title. */
const companyOf = ({ test, title }: Check): string =>
  `${needsSetUp({ test }) ? test.split('/')[0] : ''} ${title === undefined ? '' : 'by title'}`

function problemOf(result: TestResult | undefined): string | undefined {
  if (!result) return 'it was not run'
  if (result.broken !== undefined) return `it cannot be run: ${result.broken}`
  if (result.failed[0] !== undefined) return `it fails without a mutation: ${result.failed[0]}`
  return result.passed.length === 0 ? 'it has no such test' : undefined
}

/** Applies one mutation to the copy, runs its check, and takes the mutation back. Rejects only on abort. */
export async function prove(mutation: Mutation, bench: Bench): Promise<Proof> {
  const { name, breaks, check } = mutation
  const file = join(bench.root, mutation.file)
  const original = await readFile(file, 'utf8')
  try {
    await writeFile(file, mutated(original, mutation))
    return { name, breaks, ...(await judge(check, bench)) }
  } catch (err) {
    bench.signal.throwIfAborted()
    return { name, breaks, verdict: 'no proof', by: messageOf(err) }
  } finally {
    await writeFile(file, original)
  }
}

async function judge(check: Check, bench: Bench): Promise<Pick<Proof, 'verdict' | 'by'>> {
  const result = (await runTests([check], bench)).find(({ file }) => file === check.test)
  const [failed] = result?.failed ?? []
  if (failed !== undefined) return { verdict: 'caught', by: failed }
  if (!result || result.broken !== undefined)
    return { verdict: 'no proof', by: `${check.test} cannot be run: ${result?.broken ?? 'it was not found'}` }
  return { verdict: 'survived', by: `all ${result.passed.length} tests of ${check.test} pass` }
}
