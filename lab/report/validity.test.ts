import { describe, expect, test } from 'vitest'
import { check, experimentRecord, runOf, voidingCheck } from '../testing/report-builders.ts'
import type { ExperimentRecord } from './results.ts'
import { believable, doubtsAbout, doubtsAboutRun } from './validity.ts'

const failing = (failed: ExperimentRecord['checks'][number]): Partial<ExperimentRecord> => ({
  verdict: 'broken',
  checks: [check('every order is answered 201'), failed],
})

describe('the figures of an experiment may not be believed', () => {
  test.each([
    [
      'a check that voids them does not hold',
      failing(voidingCheck('every order is counted', false)),
      /does not hold: every order is counted: seen/,
    ],
    ['the experiment says so itself', { invalid: ['the clock went back'] }, /the clock went back/],
    ['it ended with an error', { verdict: 'error', error: 'inventory ended', checks: [] }, /inventory ended/],
    ['it was interrupted', { verdict: 'interrupted', checks: [] }, /stopped before its end/],
    ['nothing was checked', { verdict: 'broken', checks: [] }, /checked nothing/],
  ] satisfies [string, Partial<ExperimentRecord>, RegExp][])('when %s', (_, overrides, reason) => {
    const record = experimentRecord(overrides)

    expect(doubtsAbout(record)).toEqual([expect.stringMatching(reason)])
    expect(believable(runOf([record]))).toEqual([])
  })
})

describe('the figures of an experiment may be believed', () => {
  test.each([
    ['everything holds', {}],
    ['a check that nothing rests on does not hold', failing(check('the median rises by the delay', false))],
    [
      'such a check is called after what others rest on',
      failing(check('the ledger page says that no order is lost', false)),
    ],
  ])('when %s', (_, overrides) => {
    const record = experimentRecord(overrides)

    expect(doubtsAbout(record)).toEqual([])
    expect(believable(runOf([record]))).toEqual([record])
  })
})

describe('a run may not be believed', () => {
  const records = [experimentRecord(), experimentRecord({ name: 'rest-delay' })]
  const { ended_at: _, ...killed } = runOf(records)

  test.each([
    ['it has no end', killed, ['the run has no end; it was killed, or goes on']],
    [
      'a planned experiment did not run',
      runOf(records, { planned: ['rest-baseline', 'rest-delay', 'kafka-lag'], complete: false }),
      ['the run is not complete: kafka-lag did not run'],
    ],
    ['nothing was planned', runOf([]), ['no experiment was planned']],
  ])('when %s', (_, results, reasons) => {
    expect(doubtsAboutRun(results)).toEqual(reasons.map((reason) => ({ reason })))
  })

  test('when one of its experiments may not, and names it', () => {
    const results = runOf([
      experimentRecord(),
      experimentRecord({ name: 'rest-delay', invalid: ['too late'] }),
    ])

    expect(doubtsAboutRun(results)).toEqual([{ experiment: 'rest-delay', reason: 'too late' }])
    expect(believable(results).map(({ name }) => name)).toEqual(['rest-baseline'])
  })

  test('not for a verdict that says no', () => {
    const results = runOf([experimentRecord(failing(check('the median rises by the delay', false)))])

    expect(doubtsAboutRun(results)).toEqual([])
  })
})
