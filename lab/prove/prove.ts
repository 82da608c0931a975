import { readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { messageOf } from '@lab/kit/errors.ts'
import { startChild } from '@lab/stack/child.ts'
import type { RunDir } from '@lab/stack/run-dir.ts'
import { z } from 'zod'

/** One way to break a guarantee on purpose: a small patch, and the check that has to notice it. */
export interface Mutation {
  name: string
  /** What is no longer true with it, in one line. */
  breaks: string
  file: string
  /** Occurs exactly once in the file. */
  find: string
  replace: string
  check: Check
}

/** A test file; `title` names the tests of it that are run, where running all of them takes long. */
export interface Check {
  test: string
  title?: string
}

/** The text with the mutation in it. Throws when the text it replaces is not there exactly once. */
export function mutated(text: string, { name, file, find, replace }: Mutation): string {
  const found = text.split(find).length - 1
  if (found !== 1) throw new Error(`${name}: ${file} has the text to replace ${found} times, not once`)
  return text.replace(find, () => replace)
}

/** A test that needs a broker or the processes of a part, started by the set-up of its project. */
export const needsSetUp = ({ test }: Check): boolean => test.endsWith('.int.test.ts')

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

export interface Bench {
  run: RunDir
  /** The copy of the repository. */
  root: string
  env: Record<string, string | undefined>
  signal: AbortSignal
}

interface TestResult {
  /** Relative to the repository. */
  file: string
  passed: string[]
  failed: string[]
  /** Why the file, or a hook of it, could not be run. */
  broken: string | undefined
}

const LIMIT_MS = 300_000
/** Vitest stops its brokers in order before it ends. */
const GRACE_MS = 30_000

const Report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
})

/** Runs the tests of these checks in the copy, in one vitest: of one project's set-up, or none. Five minutes at most. */
async function runTests(checks: Check[], bench: Bench): Promise<TestResult[]> {
  const { run, root, env, signal } = bench
  signal.throwIfAborted()
  const report = join(run.path, 'tests.json')
  await rm(report, { force: true })
  const child = await startChild({
    run,
    name: 'vitest',
    command: process.execPath,
    args: [
      'node_modules/vitest/vitest.mjs',
      'run',
      ...chosen(checks),
      '--reporter=json',
      `--outputFile=${report}`,
    ],
    env: withoutVitest(env),
    cwd: root,
    logFile: join(run.path, 'logs', 'vitest.log'),
  })
  const stop = () => void child.stop(GRACE_MS)
  const limit = setTimeout(stop, LIMIT_MS)
  signal.addEventListener('abort', stop)
  try {
    await child.exited
  } finally {
    clearTimeout(limit)
    signal.removeEventListener('abort', stop)
  }
  signal.throwIfAborted()
  return readReport(report, root)
}

/** All tests of the files that have one check without a title; otherwise those with one of the titles. */
function chosen(checks: Check[]): string[] {
  const files = [...new Set(checks.map(({ test }) => test))]
  const titles = checks.flatMap(({ title }) => title ?? [])
  const setUp = checks.find(needsSetUp)
  const where = setUp
    ? ['--project', `${setUp.test.split('/')[0]}:processes`]
    : ['--config', 'lab/prove/unit.config.ts']
  return [...where, ...files, ...(titles.length === checks.length ? ['-t', titles.join('|')] : [])]
}

async function readReport(report: string, root: string): Promise<TestResult[]> {
  const text = await readFile(report, 'utf8').catch((cause: unknown) => {
    throw new Error('vitest did not come to its end; logs/vitest.log says more', { cause })
  })
  // Vitest names files by where they really are; a temporary folder may be a link.
  const base = await realpath(root)
  return Report.parse(JSON.parse(text)).testResults.map(({ name, status, message, assertionResults }) => {
    const named = (wanted: string) =>
      assertionResults.filter((test) => test.status === wanted).map(({ fullName }) => fullName)
    const failed = named('failed')
    const broken = status === 'failed' && failed.length === 0 ? firstLine(message) : undefined
    return { file: relative(base, name), passed: named('passed'), failed, broken }
  })
}

const firstLine = (message = '') => message.trim().split('\n')[0] || 'no reason was given'

/** A test of this very command runs in vitest; the vitest it starts must not take itself for a part of that. */
const withoutVitest = (env: Bench['env']) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !/^(VITEST|TEST$|CI$|NODE_ENV$)/.test(name)))
