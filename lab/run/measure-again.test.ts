import { describe, expect, test } from 'vitest'
import { experimentRecord } from '../testing/report-builders.ts'
import { createMeasuring } from './measure-again.ts'

const unmeasured = (seconds: number) =>
  experimentRecord({ verdict: 'not measured', invalid: ['HTTP at 200/s: late'], duration_seconds: seconds })
const holds = experimentRecord({ duration_seconds: 10 })

function measuring(...records: ReturnType<typeof experimentRecord>[]) {
  const said: string[] = []
  const stop = new AbortController()
  let attempts = 0
  const measure = createMeasuring({
    signal: stop.signal,
    say: (text) => said.push(text),
    budgetMs: 30_000,
    pauseMs: 0,
  })
  return { said, stop, attempts: () => attempts, run: () => measure(async () => records[attempts++]!) }
}

describe('an experiment that was not measured', () => {
  test('runs once more, and keeps why the first attempt did not count', async () => {
    const bench = measuring(unmeasured(10), holds)

    expect(await bench.run()).toEqual({ ...holds, earlier_attempt: ['HTTP at 200/s: late'] })
    expect(bench.said).toEqual([
      'rest-baseline was not measured (HTTP at 200/s: late): once more, after a pause',
    ])
  })

  test('runs twice at most', async () => {
    const bench = measuring(unmeasured(10), unmeasured(10), holds)

    expect(await bench.run()).toMatchObject({ verdict: 'not measured' })
    expect(bench.attempts()).toBe(2)
  })

  test('runs once where a second attempt is longer than a run may take', async () => {
    const bench = measuring(unmeasured(31), holds)

    expect(await bench.run()).toMatchObject({ verdict: 'not measured' })
  })

  test('runs once when it was interrupted', async () => {
    const bench = measuring(unmeasured(10), holds)
    bench.stop.abort()

    expect(await bench.run()).toMatchObject({ verdict: 'not measured' })
  })
})

test('what holds or is broken runs once', async () => {
  const bench = measuring(holds, experimentRecord({ verdict: 'broken' }), holds)

  expect([await bench.run(), await bench.run()].map(({ verdict }) => verdict)).toEqual(['holds', 'broken'])
})
