import { type Repeated, repeated, rotated } from '../experiments/repeated.ts'
import type { Table } from '../run/schema.ts'
import type { Progress } from '../run/session.ts'

/** What of the rounds was compared, and what came of it. */
export interface Comparison {
  name: string
  ours: string
  ceiling: string
  rounds: { ours_per_second: number; ceiling_per_second: number; ratio: number }[]
  /** Ours over the ceiling, each round by itself. */
  ratio: Repeated
  /** What the median has to reach; absent where the ratio is information. */
  target?: number
  verdict?: 'met' | 'missed'
}

/** Something that can do a round again and again, and says how fast each one was, by metric, in orders or records a second. */
export interface Contestant {
  name: string
  /** Rejects with `BenchInvalid` when the ledger of the round do not balance: its figures then mean nothing. */
  round: () => Promise<Record<string, number>>
}

/** What of the rounds is compared. Without a target the ratio is information. */
export interface Question {
  name: string
  ours: Measure
  ceiling: Measure
  target?: number
}

export type Measure = [contestant: string, metric: string]

interface Alternating {
  contestants: Contestant[]
  questions: Question[]
  rounds: number
  progress: Progress
}

/** Runs all contestants in every round, in rotating order, after one round each that is not counted. */
export async function alternate(alternating: Alternating): Promise<Comparison[]> {
  const { contestants, questions, rounds, progress } = alternating
  for (const { name, round } of contestants) {
    progress(`warming up ${name}`)
    await round()
  }
  const taken: Map<string, Record<string, number>>[] = []
  for (let round = 0; round < rounds; round++) {
    const figures = new Map<string, Record<string, number>>()
    for (const contestant of rotated(contestants, round)) {
      progress(`round ${round + 1} of ${rounds}: ${contestant.name}`)
      figures.set(contestant.name, await contestant.round())
    }
    taken.push(figures)
  }
  return questions.map((question) => compare(question, taken))
}

function compare(
  { name, ours, ceiling, target }: Question,
  taken: Map<string, Record<string, number>>[],
): Comparison {
  const rounds = taken.map((figures) => {
    const [own, most] = [ours, ceiling].map(([contestant, metric]) => figures.get(contestant)![metric]!)
    return {
      ours_per_second: Math.round(own!),
      ceiling_per_second: Math.round(most!),
      ratio: own! / most!,
    }
  })
  const ratio = repeated(rounds.map((round) => round.ratio))!
  return {
    name,
    ours: ours[0],
    ceiling: ceiling[0],
    rounds,
    ratio,
    ...(target !== undefined && { target, verdict: ratio.median >= target ? 'met' : 'missed' }),
  }
}

export const ratioTable = (part: string, comparisons: Comparison[]): Table => ({
  title: `${part}: how close to the limit (medians of ${comparisons[0]!.rounds.length} rounds)`,
  columns: ['what', 'ours/s', 'ceiling/s', 'ceiling', 'ratio', 'range', 'target', 'verdict'],
  rows: comparisons.map(({ name, ceiling, rounds, ratio, target, verdict }) => [
    name,
    middle(rounds.map((round) => round.ours_per_second)),
    middle(rounds.map((round) => round.ceiling_per_second)),
    ceiling,
    ratio.median.toFixed(2),
    `${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}`,
    target === undefined ? '' : `≥ ${target}`,
    verdict ?? '-',
  ]),
})

const middle = (figures: number[]) => Math.round(repeated(figures)!.median)
