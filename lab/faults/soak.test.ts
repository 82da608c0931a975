import { describe, expect, test } from 'vitest'
import { boundsOf, type Sample } from './soak.ts'

const MB = 1_048_576

const samples = (change: (at: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: 100 }, (_, at) => ({
    atMs: at * 1_000,
    orders: (at + 1) * 100,
    rssBytes: { 'order-service': 100 * MB },
    handles: { 'order-service': 40 },
    waiting: 10,
    storeBytes: (at + 1) * 100 * 500,
    ...change(at),
  }))

const unbounded = (change: (at: number) => Partial<Sample>, backlog = 0) =>
  boundsOf({
    samples: samples(change),
    ledger: { backlog: [{ place: 'inventory_queue', messages: backlog }] } as never,
  })
    .filter(({ holds }) => !holds)
    .map(({ what }) => what)

describe('the bounds of a soak', () => {
  test('hold for what stays, and for a store that grows with its orders', () => {
    expect(unbounded(() => ({}))).toEqual([])
  })

  test.each([
    {
      leak: 'memory',
      what: 'memory of order-service',
      change: (at: number) => ({ rssBytes: { 'order-service': (100 + 2 * at) * MB } }),
    },
    {
      leak: 'handles',
      what: 'open handles of order-service',
      change: (at: number) => ({ handles: { 'order-service': 40 + 2 * at } }),
    },
    { leak: 'a backlog', what: 'what waits', change: (at: number) => ({ waiting: 20 * at }) },
    {
      leak: 'a store',
      what: 'store for each order',
      change: (at: number) => ({ storeBytes: (at + 1) ** 2 * 500 }),
    },
  ])('do not hold for $leak that grows', ({ what, change }) => {
    expect(unbounded(change)).toEqual([what])
  })

  test('do not hold for a backlog that is left, nor for a figure that was never seen', () => {
    expect(unbounded(() => ({}), 1)).toEqual(['what waits at rest'])
    const neverAnswered = samples(() => ({})).map(({ waiting, ...rest }) => rest)
    const seen = boundsOf({ samples: neverAnswered, ledger: { backlog: [] } as never })
    expect(seen.find(({ what }) => what === 'what waits')?.holds).toBe(false)
  })

  test('pass over peaks, which medians do not see', () => {
    expect(unbounded((at) => (at % 10 === 0 ? { waiting: 5_000 } : {}))).toEqual([])
  })
})
