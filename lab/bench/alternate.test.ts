import { describe, expect, test } from 'vitest'
import { alternate, type Contestant } from './alternate.ts'

describe('rounds that alternate', () => {
  test('do not count the first round, and take the ratio within each of the others', async () => {
    const ran: string[] = []
    const contestant = (name: string, figures: number[]): Contestant => ({
      name,
      round: async () => {
        ran.push(name)
        return { rate: figures.shift()! }
      },
    })
    const [compared] = await alternate({
      contestants: [contestant('limit', [1, 100, 1_000, 200]), contestant('part', [999, 60, 500, 160])],
      questions: [
        {
          name: 'rate',
          ours: ['part', 'rate'],
          ceiling: ['limit', 'rate'],
          target: 0.7,
        },
      ],
      rounds: 3,
      progress: () => {},
    })

    expect(ran.join(' ')).toBe('limit part limit part part limit limit part')
    expect(compared).toMatchObject({ ratio: { median: 0.6, min: 0.5, max: 0.8 }, verdict: 'missed' })
    expect(compared?.rounds[2]).toEqual({ ours_per_second: 160, ceiling_per_second: 200, ratio: 0.8 })
  })
})
