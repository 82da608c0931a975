import { describe, expect, test } from 'vitest'
import { type FetchAnswer, GATHER_MS, gathering } from './gather.ts'

/** An answer with these many records of each partition, and more behind them in the log. */
const fetched = (counts: number[], behind = 0): FetchAnswer => ({
  responses: [
    {
      partitions: counts.map((count) => ({
        lastStableOffset: String(count + behind),
        messages: Array.from({ length: count }, (_, offset) => ({ offset: String(offset) })),
      })),
    },
  ],
})

function brokerThatAnswers(answer: () => Promise<FetchAnswer>) {
  const waits: number[] = []
  const fetch = gathering<object, string>(
    () => answer(),
    async (ms) => waits.push(ms),
  )
  return { broker: { fetch }, waits }
}

async function waitsAfter(answer: FetchAnswer): Promise<number[]> {
  const { broker, waits } = brokerThatAnswers(async () => answer)
  await broker.fetch('first')
  expect(waits).toEqual([])
  await broker.fetch('second')
  return waits
}

describe('the fetch after one', () => {
  test.each([
    ['with some records', fetched([16, 16, 16])],
    ['with some records of one partition', fetched([200, 0, 0])],
    ['with many less than a bulk', fetched([255, 256, 256])],
  ])('%s waits for more', async (_, answer) => {
    const waits = await waitsAfter(answer)
    expect(waits).toHaveLength(1)
    expect(waits[0]).toBeLessThanOrEqual(GATHER_MS)
  })

  test.each([
    ['without any', fetched([0, 0, 0])],
    ['with few', fetched([16, 16, 15])],
    ['with those of a bulk', fetched([256, 256, 256])],
    ['with some of what is there', fetched([100, 100, 100], 1)],
  ])('%s is sent at once', async (_, answer) => expect(await waitsAfter(answer)).toEqual([]))

  test('that failed is sent at once', async () => {
    let answers = 0
    const { broker, waits } = brokerThatAnswers(async () => {
      if (answers++ === 1) throw new Error('the connection was closed')
      return fetched([100])
    })
    await broker.fetch('first')
    await expect(broker.fetch('second')).rejects.toThrow('closed')
    await broker.fetch('third')
    expect(waits).toHaveLength(1)
  })
})

test('one broker does not wait for what another has answered', async () => {
  const { broker, waits } = brokerThatAnswers(async () => fetched([100]))
  const other = { ...broker }
  await broker.fetch('first')
  await other.fetch('first')
  expect(waits).toEqual([])
})
