import { readFile, realpath, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { startChild } from '@lab/stack/child.ts'
import type { RunDir } from '@lab/stack/run-dir.ts'
import { z } from 'zod'
import { type Check, needsSetUp } from './mutation.ts'

export interface Bench {
  run: RunDir
  /** The copy of the repository. */
  root: string
  env: Record<string, string | undefined>
  signal: AbortSignal
}

export interface TestResult {
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

/**
 * Runs the tests of these checks in the copy, all in one vitest; all of them need a set-up of the same project, or none.
 * Rejects on abort, when vitest cannot be run, and when it has not ended in five minutes.
 */
export async function runTests(checks: Check[], bench: Bench): Promise<TestResult[]> {
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
