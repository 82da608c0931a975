import { describe, expect, test } from 'vitest'
import { batched } from './batch.ts'

describe('batched', () => {
  test('runs calls of one turn together and answers each its own result', async () => {
    const batches: number[][] = []
    const double = batched(
      (items: number[]) => {
        batches.push(items)
        return items.map((item) => item * 2)
      },
      { maxBatch: 10 },
    )

    expect(await Promise.all([double(1), double(2), double(3)])).toEqual([2, 4, 6])
    expect(batches).toEqual([[1, 2, 3]])
  })

  test('runs one batch at a time, in order, never larger than the limit', async () => {
    let running = 0
    const seen: number[] = []
    const slow = batched(
      async (items: number[]) => {
        running += 1
        expect(running).toBe(1)
        expect(items.length).toBeLessThanOrEqual(2)
        await new Promise(setImmediate)
        seen.push(...items)
        running -= 1
        return items
      },
      { maxBatch: 2 },
    )

    await Promise.all([1, 2, 3, 4, 5].map(slow))
    expect(seen).toEqual([1, 2, 3, 4, 5])
  })

  test('fails every call of a batch that throws, and goes on with the next', async () => {
    const run = batched(
      (items: string[]) => {
        if (items.includes('bad')) throw new Error('disk full')
        return items
      },
      { maxBatch: 10 },
    )

    const first = Promise.allSettled([run('good'), run('bad')])
    expect((await first).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await run('later')).toBe('later')
  })
})
