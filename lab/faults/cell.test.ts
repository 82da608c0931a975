import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Anomaly } from '../ledger/anomaly.ts'
import { createHistoryFile, type HistoryRecord } from '../ledger/history.ts'
import { judgeLedger } from '../ledger/verdict.ts'
import { type Cell, type CellRun, judge } from './cell.ts'

const plan = { limitMs: 3_000, holdMs: 1_000, on: () => ({}) as never }
const cell = (more: object = {}): Cell => ({
  fault: { name: 'SIGKILL inventory', kind: 'process', parts: {} as never },
  part: 'sync-rest',
  plan: { ...plan, ...more },
  seed: 1,
})

const lost: Anomaly = { type: 'lost', count: 2, orders: [{ order: '#1', detail: 'it is nowhere' }] }
const ledgerWith = (anomalies: Anomaly[], messages = 0) =>
  judgeLedger(
    { totals: { intended: 3 } as never, anomalies, backlog: [{ place: 'inventory_queue', messages }] },
    true,
  )

const order = (n: number, sent_ms: number, done_ms: number, status = 201): HistoryRecord => ({
  n,
  outcome: status < 300 ? 'ok' : 'failed',
  item: 'burger',
  quantity: 1,
  status,
  sent_ms,
  done_ms,
})

async function runWith(
  more: Partial<CellRun>,
  records = [order(0, 1_200, 1_300), order(1, 1_500, 1_600, 503)],
) {
  const folder = mkdtempSync(join(tmpdir(), 'lab-cell-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const history = join(folder, 'history.jsonl')
  const file = await createHistoryFile(history)
  for (const record of records) file.write(record)
  await file.close()
  const run = { hit: 'process 1', injectMs: 1_000, healMs: 2_000, recoveryMs: 400, complaints: [] }
  return { ...run, ledger: ledgerWith([]), load: { history }, ...more } as unknown as CellRun
}

describe('a cell of the fault matrix', () => {
  test('holds when it balances and recovers in time, and says what clients heard', async () => {
    expect(await judge(cell(), await runWith({}))).toMatchObject({
      verdict: 'held',
      recovery_ms: 400,
      heard: { sent: 2, ok: 1, failed: 1, statuses: { 201: 1, 503: 1 } },
      losses: { lost: 0, doubled: 0, stuck: 0 },
    })
  })

  test('is not run when no order was in flight while the fault lasted', async () => {
    const before = await judge(cell(), await runWith({}, [order(0, 100, 900), order(1, 2_100, 2_200)]))

    expect(before.verdict).toBe('not run')
  })

  test.each([
    { why: 'an order is lost', more: { ledger: ledgerWith([lost]) }, says: 'unbalanced' },
    { why: 'messages still wait', more: { ledger: ledgerWith([], 5) }, says: 'did not drain' },
    { why: 'it recovers late', more: { recoveryMs: 3_100 }, says: 'limit 3.00 s' },
    { why: 'it never recovers', more: { recoveryMs: undefined }, says: 'no order placed' },
    { why: 'the fault complains', more: { complaints: ['the former owner decided'] }, says: 'former owner' },
  ])('is broken when $why', async ({ more, says }) => {
    const result = await judge(cell(), await runWith(more))

    expect(result.verdict).toBe('BROKEN')
    expect(result.why).toContain(says)
  })

  test('is a known loss only when every anomaly is of an announced kind', async () => {
    const announced = { loss: { reason: 'the queue is gone', anomalies: ['lost'] } }
    const doubled: Anomaly = { ...lost, type: 'doubled' }

    const known = await judge(cell(announced), await runWith({ ledger: ledgerWith([lost]) }))
    const unknown = await judge(cell(announced), await runWith({ ledger: ledgerWith([lost, doubled]) }))

    expect(known).toMatchObject({ verdict: 'known loss', losses: { lost: 2 } })
    expect(known.why).toContain('the queue is gone')
    expect(unknown.verdict).toBe('BROKEN')
  })
})
