import { parts } from '../../parts.ts'

/** What this needs of vitest's JSON report. */
export interface TestReport {
  success: boolean
  testResults: {
    name: string
    status: string
    assertionResults: { status: string; fullName: string }[]
  }[]
}

export interface Summary {
  passed: number
  failed: number
  skipped: number
  /** Why the run proves less than it seems to; empty when it proves everything. */
  problems: string[]
}

/** Where nothing may be skipped: a skip there means that a broker was not tested. */
const brokerParts = parts.filter(({ servers }) => servers.length > 0).map(({ name }) => name)

/** Counts vitest's results. A file that broke before its tests ran counts as one failed. */
export function summarise(report: TestReport, root: string): Summary {
  const tests = report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map((test) => ({ ...test, file: name.slice(root.length) })),
  )
  const count = (status: string) => tests.filter((test) => test.status === status).length
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  )
  const passed = count('passed')
  const failed = count('failed') + broken.length
  const untested = tests.filter(
    ({ file, status }) =>
      status !== 'passed' &&
      status !== 'failed' &&
      !file.endsWith('.compose.ts') &&
      brokerParts.some((part) => file.startsWith(`${part}/`)),
  )
  return {
    passed,
    failed,
    skipped: tests.length - passed - count('failed'),
    problems: [
      ...(passed + failed === 0 ? ['no test ran'] : []),
      ...(failed === 0 && !report.success ? ['vitest failed outside of a test'] : []),
      ...untested.map(({ file, fullName }) => `skipped although it needs its broker: ${file} > ${fullName}`),
    ],
  }
}

export const lastLine = ({ passed, failed, skipped }: Summary): string =>
  `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`
