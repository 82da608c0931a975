import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ageOf, partitionLags } from './lag.ts'

describe('lag in messages', () => {
  const range = { partition: 0, low: 10, high: 110, end: 110 }

  test('is the end of the log minus what is committed', () => {
    expect(partitionLags('t', [range], [{ partition: 0, offset: 80 }])).toMatchObject([
      { end_offset: 110, committed_offset: 80, lag_messages: 30 },
    ])
  })

  test('is everything when the group never committed', () => {
    expect(partitionLags('t', [range], [])).toMatchObject([{ committed_offset: null, lag_messages: 100 }])
  })

  test('counts from the oldest record when the committed one is gone', () => {
    expect(partitionLags('t', [range], [{ partition: 0, offset: 3 }])).toMatchObject([{ lag_messages: 100 }])
  })
})

describe('a lag that looks like 0', () => {
  const bounds = { partition: 0, low: 10, high: 110, end: 110 }
  const lagAt = (offset: number, more = {}) =>
    partitionLags('t', [{ ...bounds, ...more }], [{ partition: 0, offset }])[0]

  test('is everything when the committed offset is behind the end of the log', () => {
    expect(lagAt(111)).toMatchObject({ lag_messages: 100, note: expect.stringContaining('behind the end') })
    expect(lagAt(110)).toMatchObject({ lag_messages: 0 })
    expect(lagAt(110)).not.toHaveProperty('note')
  })

  test('has the records that wait for an open transaction', () => {
    expect(lagAt(110, { end: 115 })).toMatchObject({
      end_offset: 115,
      lag_messages: 5,
      unreadable_messages: 5,
    })
  })

  test('says that records are gone which nobody read', () => {
    expect(lagAt(3)?.note).toContain('gone')
  })
})

describe('lag in seconds', () => {
  test('finds the age of the record to one per cent', async () => {
    const NOW = 1_700_000_000_000
    const ages = fc.array(fc.integer({ min: 0, max: 10_000_000 }), { minLength: 1, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(ages, fc.nat(), async (records, pick) => {
        const times = records.map((age) => NOW - age).sort((a, b) => a - b)
        const offset = pick % times.length
        const offsetAt = async (timestamp: number) => {
          const found = times.findIndex((time) => time >= timestamp)
          return found === -1 ? times.length : found
        }
        const age = NOW - (times[offset] as number)

        const found = await ageOf(offset, NOW, offsetAt)

        expect(found).toBeGreaterThanOrEqual(age)
        expect(found - age).toBeLessThanOrEqual(Math.max(10, found * 0.01) + 1)
      }),
    )
  })
})
