import { INITIAL_STOCK } from '@lab/common/domain/stock.ts'
import { anOrder } from '@lab/common/testing/builders.ts'
import { describe, expect, test } from 'vitest'
import { doubtsAbout } from '../run/verdict.ts'
import { experimentRecord } from '../testing/report-builders.ts'
import { describeAudit } from './ledger-check.ts'
import { ledgerCheck } from './part-ledger.ts'

const failed = anOrder({ status: 'failed' })
const state = { orders: [failed], initial: INITIAL_STOCK, left: INITIAL_STOCK }
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
const unbalanced = { totals, anomalies: [], backlog: [], verdict: 'unbalanced' as const }

describe('a ledger that does not balance', () => {
  test.each([
    ['of orders', describeAudit({ ...state, acknowledged: [failed.order_id, 'order 7'] }), /order 7/],
    [
      'of histories',
      ledgerCheck(' (Kafka)', { ...unbalanced, reasons: ['lost: 1 time'] }),
      /\(Kafka\).*lost: 1 time/,
    ],
  ])('voids the figures of its experiment: one %s', (_, ledger, reason) => {
    const record = experimentRecord({ verdict: 'broken', checks: [ledger] })

    expect(doubtsAbout(record)).toEqual([expect.stringMatching(reason)])
  })
})

test('a ledger that balances voids nothing', () => {
  const ledger = describeAudit({ ...state, acknowledged: [failed.order_id] })

  expect(doubtsAbout(experimentRecord({ checks: [ledger] }))).toEqual([])
})
