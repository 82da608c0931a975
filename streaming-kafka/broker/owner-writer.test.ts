import { describe, expect, test } from 'vitest'
import { requestsOf } from './owner-writer.ts'

const record = (topic: string, bytes: number) => ({ topic, message: { value: 'x'.repeat(bytes) } })

describe('requests of a transaction', () => {
  test('stay below what the broker takes in one batch', () => {
    const requests = requestsOf(Array.from({ length: 3_500 }, () => record('t', 400)))

    const sizes = requests.map((topics) => topics.flatMap(({ messages }) => messages).length * 400)
    expect(sizes.reduce((sum, size) => sum + size)).toBe(3_500 * 400)
    expect(Math.max(...sizes)).toBeLessThan(700_000)
  })

  test('keep the order within a topic, and give a large record a request of its own', () => {
    const requests = requestsOf([record('a', 1), record('b', 900_000), record('a', 2)])

    expect(requests.map((topics) => topics.map(({ topic, messages }) => [topic, messages.length]))).toEqual([
      [['a', 1]],
      [['b', 1]],
      [['a', 1]],
    ])
  })

  test('are none without records', () => {
    expect(requestsOf([])).toEqual([])
  })
})
