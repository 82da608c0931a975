import { formatNumber } from '../report/number.ts'

/** `{ '201': 20 }` as people read it: `20 × 201`. */
export const describeOutcomes = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([outcome, count]) => `${formatNumber(count)} × ${outcome}`)
    .join(', ')

/** Whether there were exactly `count` answers, all with one of these statuses. */
export function allAnswered(counts: Record<string, number>, statuses: number[], count: number): boolean {
  const matching = statuses.reduce((sum, status) => sum + (counts[status] ?? 0), 0)
  const total = Object.values(counts).reduce((sum, each) => sum + each, 0)
  return matching === count && total === count
}
