import type { TestProject } from 'vitest/node'
import { openTestRun } from './test-run.ts'

/** A run directory for tests that start services and need no broker. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = await openTestRun(project)
  return run.close
}
