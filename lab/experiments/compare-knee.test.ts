import { describe, expect, test } from 'vitest'
import type { LatencySummary } from '../load/histogram.ts'
import { judgeSteps, type Step } from './compare-knee.ts'

const latency = (p50_us: number, p95_us: number): LatencySummary => ({ count: 1_000, p50_us, p95_us })

const step = (rate: number, overrides: Partial<Step> = {}): Step => ({
  rate,
  tries: 1,
  achieved_per_second: rate,
  acceptance: latency(1_000, 2_000),
  completion: latency(3_000, 6_000),
  not_accepted: 0,
  not_completed: 0,
  is_valid: true,
  history: '',
  result: {} as Step['result'],
  ...overrides,
})

describe('the knee', () => {
  test('is the highest rate when nothing bends', () => {
    expect(judgeSteps([step(50), step(100)], { times: 10, atLeastMs: 5 })).toMatchObject({
      knee: 100,
      bends_at: null,
      gaveWay: null,
    })
  })

  test.each<{ what: string; bent: Partial<Step>; gaveWay: string }>([
    {
      what: 'acceptance bends',
      bent: { acceptance: latency(1_500, 10_001), completion: latency(9_000, 90_000) },
      gaveWay: 'acceptance latency',
    },
    {
      what: 'completion bends while acceptance does not',
      bent: { completion: latency(9_000, 30_001) },
      gaveWay: 'completion latency: the backlog grows',
    },
    {
      what: 'orders are never done',
      bent: { not_completed: 3 },
      gaveWay: 'completion latency: the backlog grows',
    },
    { what: 'orders are refused', bent: { not_accepted: 1 }, gaveWay: 'refusals' },
  ])('lies before the step at which $what', ({ bent, gaveWay }) => {
    expect(judgeSteps([step(50), step(100), step(200, bent)], { times: 10, atLeastMs: 5 })).toMatchObject({
      knee: 100,
      bends_at: 200,
      gaveWay,
    })
  })

  test('is not that of the part when the generator fell behind, however slow the step looks', () => {
    const invalid = step(200, { is_valid: false, completion: latency(1, 10_000_000) })

    expect(judgeSteps([step(50), invalid], { times: 10, atLeastMs: 5 })).toMatchObject({
      knee: 50,
      bends_at: 200,
      gaveWay: 'the generator',
    })
  })

  test('does not lie at a step that is many times slower, and still fast', () => {
    const steps = [step(50), step(100, { acceptance: latency(1_500, 10_001) })]

    expect(judgeSteps(steps, { times: 10, atLeastMs: 11 }).knee).toBe(100)
  })

  test('is none when not even the first step is carried', () => {
    expect(judgeSteps([step(50, { not_accepted: 2 })], { times: 10, atLeastMs: 5 }).knee).toBeNull()
  })

  test('is not claimed for a step with too few samples for a p95', () => {
    const few = step(100, { completion: { count: 20, p50_us: 3_000 } })

    expect(judgeSteps([step(50), few], { times: 10, atLeastMs: 5 }).knee).toBe(50)
  })
})
