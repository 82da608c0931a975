import { describe, expect, test } from 'vitest'
import { lastLine, summarise, type TestReport } from './summary.ts'

function report(files: Record<string, string[]>, overrides: Partial<TestReport> = {}): TestReport {
  const testResults = Object.entries(files).map(([name, statuses]) => ({
    name: `/repo/${name}`,
    status: statuses.includes('failed') ? 'failed' : 'passed',
    assertionResults: statuses.map((status, i) => ({ status, fullName: `test ${i}` })),
  }))
  return { success: testResults.every(({ status }) => status === 'passed'), testResults, ...overrides }
}

const summaryOf = (...args: Parameters<typeof report>) => summarise(report(...args), '/repo/')

describe('the summary of a test run', () => {
  test('counts what passed, failed and was skipped', () => {
    const summary = summaryOf({
      'common/a.test.ts': ['passed', 'failed'],
      'sync-rest/tests/b.test.ts': ['pending', 'passed'],
    })

    expect(lastLine(summary)).toBe('2 passed, 1 failed, 1 skipped')
    expect(summary.problems).toEqual([])
  })

  test('says nothing of skips when there are none', () => {
    expect(lastLine(summaryOf({ 'common/a.test.ts': ['passed'] }))).toBe('1 passed, 0 failed')
  })

  test('counts a file that broke before its tests as failed', () => {
    const broken = { name: '/repo/lab/a.test.ts', status: 'failed', assertionResults: [] }
    const summary = summaryOf({}, { success: false, testResults: [broken] })

    expect(lastLine(summary)).toBe('0 passed, 1 failed')
  })

  test.each(['skipped', 'pending', 'todo', 'disabled'])(
    'has a problem with a broker test that is %s',
    (status) => {
      const { problems } = summaryOf({ 'async-rabbitmq/tests/a.int.test.ts': ['passed', status] })

      expect(problems).toEqual([
        'skipped although it needs its broker: async-rabbitmq/tests/a.int.test.ts > test 1',
      ])
    },
  )

  test('has a problem with a run of nothing, and with a failure outside of every test', () => {
    expect(summaryOf({}).problems).toEqual(['no test ran'])
    expect(summaryOf({ 'common/a.test.ts': ['passed'] }, { success: false }).problems).toEqual([
      'vitest failed outside of a test',
    ])
  })
})
