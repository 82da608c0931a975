import { describe, expect, onTestFinished, test } from 'vitest'
import { Histogram } from './histogram.ts'
import { generate } from './open-loop.ts'
import { judgeGenerator, noCounts } from './result.ts'
import { startTestService } from './testing/service.ts'

const lateness = (...ms: number[]) => {
  const histogram = new Histogram()
  for (const late of ms) histogram.record(late * 1_000)
  return histogram.toJSON()
}

const quiet = Array.from({ length: 100 }, () => 0.2)
const counts = { ...noCounts(), offered: 1_000, sent: 1_000, ok: 1_000 }
const good = {
  is_complete: true,
  counts,
  offered_per_second: 100,
  achieved_per_second: 100,
  generator: { lateness: lateness(...quiet), event_loop_delay_us: 900 },
}
const late = (serialized: ReturnType<typeof lateness>) => ({
  ...good,
  generator: { ...good.generator, lateness: serialized },
})

describe('verdict on the generator', () => {
  test('is good while it keeps its schedule, also when one order of many was late', () => {
    expect(judgeGenerator(good)).toEqual({ kept_up: true, reasons: [] })
    expect(judgeGenerator(late(lateness(...quiet, 400))).kept_up).toBe(true)
  })

  test.each([
    [
      'drops slots',
      { ...good, counts: { ...counts, sent: 998, dropped: 2 } },
      '2 of 1000 slots were dropped (0.20 %',
    ],
    [
      'sends too slowly',
      { ...good, achieved_per_second: 90 },
      '90.0 orders/s were sent where 100.0 were offered',
    ],
    ['sends late', late(lateness(...quiet.map(() => 75))), 'orders went out 75.0 ms late (p90, '],
    [
      'was late in all of a handful of orders',
      late(lateness(80, 90)),
      'orders went out 90.0 ms late (at most, ',
    ],
    ['was stopped', { ...good, is_complete: false }, 'stopped before its time'],
    ['sent nothing', { ...good, counts: { ...counts, offered: 0, sent: 0 } }, 'no order was sent'],
    [
      'sees answers late',
      { ...good, generator: { ...good.generator, event_loop_delay_us: 70_000 } },
      'event loop was 70.0 ms late',
    ],
  ])('is bad when it %s, and says so in numbers', (_, figures, reason) => {
    const { kept_up, reasons } = judgeGenerator(figures)

    expect(kept_up).toBe(false)
    expect(reasons).toHaveLength(1)
    expect(reasons[0]).toContain(reason)
  })

  test('is bad when the generator is really saturated: its own process is busy while orders are due', async () => {
    const target = await startTestService()
    onTestFinished(target.close)
    const hog = () => {
      const until = performance.now() + 150
      while (performance.now() < until);
    }

    const { verdict, generator } = await generate(
      { url: target.url, rate: { perSecond: 200, seconds: 0.8 }, completion: 'response', intervalMs: 200 },
      { onSnapshot: hog },
    )

    expect(verdict.kept_up).toBe(false)
    expect(verdict.reasons.join()).toContain('orders went out')
    expect(Histogram.from(generator.lateness).percentile(0.9)).toBeGreaterThan(50_000)
  })
})
