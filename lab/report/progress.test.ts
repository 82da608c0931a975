import { describe, expect, test } from 'vitest'
import { createReporter } from './progress.ts'

describe('the plain reporter', () => {
  test('runs tasks at the same time, answers their results in order, and says when each starts and ends', async () => {
    const { reporter, lines } = plain()
    const second = Promise.withResolvers<number>()
    const first = async () => {
      second.resolve(2) // would wait for ever if the tasks ran one after the other
      return (await second.promise) - 1
    }

    const results = await reporter.tasks([
      { title: 'one', run: first, done: (result) => `done ${result}` },
      { title: 'two', run: () => second.promise, done: (result) => `done ${result}` },
    ])

    expect(results).toEqual([1, 2])
    expect(lines.slice(0, 2)).toEqual(['- one', '- two'])
    expect(
      lines
        .slice(2)
        .map((line) => line.replace(/ \[.*/, ''))
        .toSorted(),
    ).toEqual(['✔ done 1', '✔ done 2'])
  })

  test('shows a result that is a failure as one, and answers it', async () => {
    const { reporter, lines } = plain()

    const results = await reporter.tasks([
      { title: 'checks', run: async () => 'broken', done: (result) => result, failed: () => true },
    ])

    expect(results).toEqual(['broken'])
    expect(lines.at(-1)).toMatch(/^✖ broken \[/)
  })

  test('rejects with the first error, once nothing is under way any more', async () => {
    const { reporter } = plain()
    let isUnderWay = true
    const slow = async () => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      isUnderWay = false
      throw new Error('second')
    }
    const fast = () => Promise.reject(new Error('first'))

    const tasks = [slow, fast].map((run) => ({ title: 'task', run, done: () => '' }))
    await expect(reporter.tasks(tasks)).rejects.toThrow('first')

    expect(isUnderWay).toBe(false)
  })
})

function plain() {
  const lines: string[] = []
  return { lines, reporter: createReporter({ live: false, write: (line) => lines.push(line) }) }
}
