import { describe, expect, test } from 'vitest'
import type { ExperimentRecord } from './results.ts'
import { verdictDetails, verdictLine, verdictOf } from './verdict.ts'

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
