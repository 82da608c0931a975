import { describe, expect, test } from 'vitest'
import { doubtsAbout } from '../run/verdict.ts'
import { experimentRecord } from '../testing/report-builders.ts'
import { ledgerCheck } from './ledger.ts'

const totals = {
  intended: 1,
  outcomes: { ok: 1, rejected: 0, failed: 0, unknown: 0 },
  listed: 0,
  reserved: 0,
  failed: 0,
  undecided: 0,
  dead_lettered: 0,
  notified: 0,
  unknown_found: 0,
  repeated_decisions: 0,
}
const ledger = { totals, anomalies: [], backlog: [] }

describe('the ledger of an experiment', () => {
  test.each(['unbalanced', 'did not drain', 'incomplete'] as const)(
    'voids its figures when it is %s',
    (verdict) => {
      const check = ledgerCheck(' (Kafka)', { ...ledger, verdict, reasons: ['lost: 1 time'] })
      const record = experimentRecord({ verdict: 'broken', checks: [check] })

      expect(doubtsAbout(record)).toEqual([expect.stringMatching(/\(Kafka\).*lost: 1 time/)])
    },
  )

  test('voids nothing when it balances', () => {
    const check = ledgerCheck('', { ...ledger, verdict: 'balanced', reasons: [] })

    expect(doubtsAbout(experimentRecord({ checks: [check] }))).toEqual([])
  })
})
