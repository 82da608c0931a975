import { createLog } from '@lab/kit/log.ts'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Connection } from './connect.ts'
import { createRelay, type StoredMessage } from './publish.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function setup(seqs: number[]) {
  const stored = new Set(seqs)
  const answers = new Map<number, PromiseWithResolvers<void>>()
  const published: number[] = []
  const publish = (_topic: string, body: string) => {
    published.push(Number(body))
    const answer = Promise.withResolvers<void>()
    answers.set(Number(body), answer)
    return answer.promise
  }
  const relay = createRelay({
    connection: { publish } as unknown as Connection,
    after: (seq, limit): StoredMessage[] =>
      [...stored]
        .filter((one) => one > seq)
        .toSorted((a, b) => a - b)
        .slice(0, limit)
        .map((one) => ({ seq: one, topic: 'food', body: String(one) })),
    remove: (upTo) => {
      for (const seq of stored) if (seq <= upTo) stored.delete(seq)
    },
    log: createLog('test', 'silent'),
  })
  relay.pump()
  const acknowledge = async (...these: number[]) => {
    for (const seq of these) answers.get(seq)?.resolve()
    await vi.advanceTimersByTimeAsync(20)
  }
  return { relay, stored, published, answers, acknowledge }
}

test('removes a message when it and all older ones are acknowledged', async () => {
  const { stored, acknowledge } = setup([1, 2, 3])
  await acknowledge(2)
  expect([...stored]).toEqual([1, 2, 3])
  await acknowledge(1)
  expect([...stored]).toEqual([3])
})

test('has a bounded number under way, and goes on with each acknowledgement', async () => {
  const all = Array.from({ length: 1_000 }, (_, at) => at + 1)
  const { published, acknowledge } = setup(all)
  expect(published).toHaveLength(256)
  await acknowledge(...published)
  expect(published).toHaveLength(512)
})

test('publishes again what the broker refused, and nothing else', async () => {
  const { published, stored, answers, acknowledge } = setup([1, 2, 3])
  answers.get(2)?.reject(new Error('Not authorized'))
  await acknowledge(1, 3)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(published).toEqual([1, 2, 3, 2])
  await acknowledge(2)
  expect([...stored]).toEqual([])
})

test('loses no message that was taken over, though it is older than those under way', async () => {
  const all = Array.from({ length: 300 }, (_, at) => at + 100)
  const { relay, published, stored, acknowledge } = setup(all)
  stored.add(7)
  relay.restart()
  await acknowledge(100, 101)
  expect(stored.has(7)).toBe(true)
  await acknowledge(...published)
  expect(published).toContain(7)
  await acknowledge(...published)
  expect([...stored]).toEqual([])
})
