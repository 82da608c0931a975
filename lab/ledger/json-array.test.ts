import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readJsonArray } from './json-array.ts'

async function* cut(text: string, size: number) {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size)
}

async function read(text: string, size = 7): Promise<unknown[]> {
  const elements: unknown[] = []
  for await (const batch of readJsonArray(cut(text, size))) elements.push(...batch)
  return elements
}

describe('streaming JSON array', () => {
  test('gives the same elements as JSON.parse, wherever the text is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue()),
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        async (array, size, isWide) => {
          const text = JSON.stringify(array, null, isWide ? 2 : 0)

          expect(await read(text, size)).toEqual(JSON.parse(text))
        },
      ),
    )
  })

  test.each([
    ['', 'breaks off after 0'],
    ['[', 'breaks off after 0'],
    ['[1,2,3', 'breaks off after 2'],
    ['{"orders":[]}', 'does not begin an array'],
    ['[1,]', /nothing stands where element 2 should|JSON/],
    ['[,1]', /nothing stands where element 1 should|JSON/],
    ['[1] [2]', 'text after the array'],
    ['[1 2]', 'JSON'],
  ])('refuses %j', async (text, problem) => {
    for (const size of [1, 100]) await expect(read(text, size)).rejects.toThrow(problem)
  })

  test('holds one element at most: what never ends is refused, not collected', async () => {
    async function* endless() {
      yield '["'
      for (;;) yield 'x'.repeat(100_000)
    }

    await expect(async () => {
      for await (const _ of readJsonArray(endless()));
    }).rejects.toThrow('too long')
  })
})
