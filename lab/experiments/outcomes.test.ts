import { describe, expect, test } from 'vitest'
import { allAnswered, describeOutcomes } from './outcomes.ts'

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
