import { anOrder } from '@lab/common/testing/builders.ts'
import { describe, expect, test } from 'vitest'
import {
  allAnswered,
  answered,
  closedLoop,
  countOutcomes,
  describeOutcomes,
  orderIds,
} from './closed-loop.ts'
import type { Answer } from './service-client.ts'

const signal = new AbortController().signal
const created = (): Answer => ({ status: 201, body: anOrder({ status: 'reserved' }), latencyUs: 1_000 })

describe('closed loop', () => {
  test('keeps no more orders in flight than it was told', async () => {
    let inFlight = 0
    let most = 0
    const place = async () => {
      most = Math.max(most, ++inFlight)
      await new Promise(setImmediate)
      inFlight--
      return created()
    }

    const load = await closedLoop(place, { count: 20, concurrency: 4, signal })

    expect(most).toBe(4)
    expect(orderIds(load)).toHaveLength(20)
  })

  test('tells refused from unknown, and calls neither lost', async () => {
    const answers: (() => Promise<Answer>)[] = [
      async () => created(),
      async () => ({ status: 503, body: { title: 'away' }, latencyUs: 5 }),
      async () => {
        throw new Error('socket hang up')
      },
    ]

    const load = await closedLoop(async () => answers.shift()!(), { count: 3, concurrency: 1, signal })

    expect(countOutcomes(load)).toEqual({ 201: 1, 503: 1, unknown: 1 })
    expect(answered(load)).toHaveLength(2)
    expect(orderIds(load)).toHaveLength(1)
  })

  test('stops asking when the run is aborted', async () => {
    const controller = new AbortController()
    let asked = 0
    const place = async () => {
      if (++asked === 3) controller.abort()
      return created()
    }

    await expect(
      closedLoop(place, { count: 100, concurrency: 1, signal: controller.signal }),
    ).rejects.toThrow()
    expect(asked).toBe(3)
  })
})

describe('outcomes of a load', () => {
  test('are all as expected only when there are exactly as many as were sent', () => {
    expect(allAnswered({ 422: 3, 504: 2 }, [422, 504], 5)).toBe(true)
    expect(allAnswered({ 422: 3 }, [422, 504], 5)).toBe(false)
    expect(allAnswered({ 422: 5, 201: 1 }, [422, 504], 5)).toBe(false)
    expect(allAnswered({ 422: 4, unknown: 1 }, [422, 504], 5)).toBe(false)
    expect(allAnswered({}, [201], 1)).toBe(false)
  })

  test('read as counts', () => {
    expect(describeOutcomes({ 201: 19, unknown: 1 })).toBe('19 × 201, 1 × unknown')
  })
})
