import { describe, expect, test } from 'vitest'
import { check, experimentRecord, runOf, voidingCheck } from '../testing/report-builders.ts'
import type { ExperimentRecord } from './schema.ts'
import {
  believable,
  doubtsAbout,
  doubtsAboutRun,
  exitCodeOf,
  keyFigures,
  verdictDetails,
  verdictLine,
  verdictOf,
  wordOf,
} from './verdict.ts'

const holds = { name: 'all answered', holds: true, detail: '20 of 20 orders answered 201' }
const broken = { name: 'none is notified', holds: false, detail: '3 notifications' }
const voiding = {
  name: 'the ledger balances',
  holds: false,
  detail: 'burger: off by 1',
  voids: true as const,
}

describe('verdictOf', () => {
  test('holds when every check holds', () => {
    expect(verdictOf({ checks: [holds, holds] })).toBe('holds')
  })

  test.each([
    { what: 'one check does not', checks: [holds, broken] },
    { what: 'nothing was checked', checks: [] },
  ])('is broken when $what', ({ checks }) => {
    expect(verdictOf({ checks })).toBe('broken')
  })

  test.each([
    ['every check holds', [holds]],
    ['a check does not that rests on what was offered', [holds, broken]],
  ])('is not measured where the figures are in doubt and %s', (_, checks) => {
    expect(verdictOf({ checks, invalid: ['the generator was late'] })).toBe('not measured')
  })

  test('is broken where an order is missing, however busy the machine was', () => {
    expect(verdictOf({ checks: [holds, voiding], invalid: ['the generator was late'] })).toBe('broken')
  })
})

describe('the exit code of a run', () => {
  test.each([
    [0, ['holds', 'holds']],
    [3, ['holds', 'not measured']],
    [1, ['not measured', 'broken']],
    [1, ['not measured', 'error']],
    [1, ['interrupted']],
  ] as const)('is %d for %j', (code, verdicts) => {
    expect(exitCodeOf(verdicts)).toBe(code)
  })
})

describe('an experiment whose load was not the one that was planned', () => {
  const invalid = ['7 of 100 slots were dropped']

  test('is not measured, which is another thing than broken', () => {
    expect(verdictOf({ checks: [holds], invalid })).toBe('not measured')
    expect(verdictOf({ checks: [holds, broken], invalid })).toBe('not measured')
    expect(verdictOf({ checks: [holds, voiding], invalid })).toBe('broken')
  })

  test('says so in its line and its word', () => {
    const late = record({ verdict: 'not measured', checks: [holds], invalid })

    expect(wordOf(late)).toBe('not measured')
    expect(keyFigures(late)).toBe('7 of 100 slots were dropped')
  })

  test('is INVALID when a check on its figures does not hold either', () => {
    expect(wordOf(record({ verdict: 'broken', checks: [voiding], invalid }))).toBe('INVALID')
  })
})

describe('the verdict line', () => {
  test('says what the first check saw when all hold', () => {
    const line = verdictLine(record({ checks: [holds] }))

    expect(line).toBe('holds  rest-baseline  all answered: 20 of 20 orders answered 201')
  })

  test('says what was seen where a check does not hold, and names every such check below', () => {
    const failed = record({ verdict: 'broken', checks: [holds, broken] })

    expect(verdictLine(failed)).toBe('broken  rest-baseline  none is notified: 3 notifications')
    expect(verdictDetails(failed)).toEqual(['  does not hold: none is notified: 3 notifications'])
  })

  test('says INVALID with the check that voids the figures, before any other that does not hold', () => {
    const failed = record({ verdict: 'broken', checks: [holds, broken, voiding] })

    expect(verdictLine(failed)).toBe('broken  rest-baseline  INVALID: the ledger balances: burger: off by 1')
  })

  test('says in other words that nothing was measured, and why', () => {
    const late = record({
      verdict: 'not measured',
      checks: [holds],
      invalid: ['HTTP at 200/s: orders went out late'],
    })

    expect(verdictLine(late)).toBe('not measured  rest-baseline  HTTP at 200/s: orders went out late')
  })

  test('says why an experiment could not be run, with the rest of the message below', () => {
    const failed = record({ verdict: 'error', error: 'inventory ended\nits log' })

    expect(verdictLine(failed)).toBe('error  rest-baseline  inventory ended')
    expect(verdictDetails(failed)).toEqual(['  inventory ended\n  its log'])
  })
})

const record = (overrides: Partial<ExperimentRecord>): ExperimentRecord => ({
  name: 'rest-baseline',
  part: 'sync-rest',
  question: '?',
  params: {},
  started_at: '2026-11-21T10:20:31.000Z',
  duration_seconds: 1,
  verdict: 'holds',
  checks: [],
  tables: [],
  data: {},
  ...overrides,
})

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
