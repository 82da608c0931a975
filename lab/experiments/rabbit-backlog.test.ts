import { describe, expect, test } from 'vitest'
import { drainOf } from './rabbit-backlog.ts'

const reserved = (completedAt: number | undefined) => ({
  order_id: String(completedAt),
  status: 'reserved' as const,
  completedAt,
})
const times = { stoppedAt: 0, restartedAt: 1_000 }

describe('the drain of a backlog', () => {
  test('is counted from the first to the last order, and from the restart', () => {
    const completions = Array.from({ length: 101 }, (_, i) => reserved(1_500 + i * 10))

    expect(drainOf({ ...times, completions })).toEqual({
      first_reserved_after_ms: 500,
      last_reserved_after_ms: 1_500,
      orders_per_second_since_restart: 67,
      orders_per_second_draining: 100,
    })
  })

  test('has no rate when all orders were seen in one batch of events', () => {
    const drain = drainOf({ ...times, completions: [reserved(1_500), reserved(1_505)] })

    expect(drain).not.toHaveProperty('orders_per_second_draining')
    expect(drain).toMatchObject({ orders_per_second_since_restart: 4 })
  })

  test('leaves out orders whose moment is not known, and says nothing without any', () => {
    expect(drainOf({ ...times, completions: [reserved(undefined)] })).toBeUndefined()
  })
})
