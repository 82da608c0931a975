import { describe, expect, test } from 'vitest'
import type { OpenLoopResult } from '../load/result.ts'
import { answersOverTime, describeAnswers, figuresOf, slowest, type Traced } from './compare-outage.ts'

const moments = {
  killedMs: 1_000,
  restartedMs: 3_000,
  readyMs: 3_400,
  waitingAtRestart: 40,
  readyOrderDoneMs: 3_900,
}
const order = (sentMs: number, overrides: Partial<Traced> = {}): Traced => ({
  sentMs,
  outcome: 'ok',
  status: 202,
  doneMs: sentMs + 10,
  ended: 'reserved',
  ...overrides,
})
const figures = (orders: Traced[]) =>
  figuresOf({ orders, ...moments, samples: [{ atMs: 2_000, waiting: 55 }] })

describe('the figures of an outage', () => {
  test('count what clients heard by the moment the order was sent', () => {
    const refused = { outcome: 'failed', status: 503, ended: 'failed' } as const
    const unanswered: Traced = { sentMs: 1_500, outcome: 'unknown' }

    const { before, during, after } = figures([order(0), order(1_000, refused), unanswered, order(3_000)])

    expect([before.ok, during.ok, after.ok]).toEqual([1, 0, 1])
    expect(describeAnswers(during)).toBe('1 × 503, 1 × no answer')
  })

  test('take the recovery from the restart to the first completion of an order sent after it', () => {
    const waiting = order(2_000, { doneMs: 3_410 })

    expect(
      figures([waiting, order(3_100, { doneMs: 3_700 }), order(3_050, { doneMs: 3_650 })]),
    ).toMatchObject({
      recovery_ms: 650,
      backlog_gone_ms: 410,
    })
  })

  test('take the order placed at readiness when the load ended before', () => {
    expect(figures([order(500)])).toMatchObject({ recovery_ms: 900, backlog_gone_ms: 0, ready_ms: 400 })
  })

  test('do not take a refusal for a recovery', () => {
    const refused = order(3_001, { outcome: 'failed', status: 503, ended: 'failed', doneMs: 3_002 })

    expect(figures([refused]).recovery_ms).toBe(900)
  })

  test('name the highest of all samples as the peak', () => {
    expect(figures([]).backlog_peak).toBe(55)
  })
})

describe('the latencies of an outage over time', () => {
  const order = (sentMs: number, ended: 'reserved' | 'failed'): Traced => ({
    sentMs,
    outcome: ended === 'reserved' ? 'ok' : 'failed',
    ended,
    doneMs: sentMs + 20,
  })

  test('have a gap where every order was refused', () => {
    const orders = [order(10, 'reserved'), order(300, 'failed'), order(600, 'failed'), order(800, 'reserved')]

    expect(slowest(orders)).toEqual([
      [0, 20],
      [0.25, null],
      [0.5, null],
      [0.75, 20],
    ])
  })

  test('are nothing when no order was reserved', () => {
    expect(slowest([order(10, 'failed')])).toEqual([])
  })
})

test('answers over time end with the last whole interval, and mean the same colour in every chart', () => {
  const interval = (at_ms: number, ok: number) => ({ at_ms, ok, rejected: 0, failed: 0, unknown: 0 })
  const result = {
    interval_ms: 250,
    rate: { perSecond: 20, seconds: 0.6 },
    counts: { ok: 12, rejected: 0, failed: 0, unknown: 0 },
    intervals: [interval(0, 5), interval(250, 5), interval(500, 2)],
  } as unknown as OpenLoopResult

  expect(answersOverTime({ load: { result } })).toEqual([
    {
      name: 'ok',
      means: 'ok',
      n: 12,
      step: true,
      points: [
        [0, 20],
        [0.25, 20],
        [0.5, null],
      ],
    },
  ])
})
