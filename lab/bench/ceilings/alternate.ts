import { rotated } from '../../experiments/repeated.ts'
import type { Progress } from '../../session.ts'
import { spreadOf } from './ratio.ts'
import type { Comparison } from './results.ts'

/** Something that can do a round again and again, and says how fast each one was, by metric, in orders or records a second. */
export interface Contestant {
  name: string
  /** Rejects with `BenchInvalid` when the ledger of the round do not balance: its figures then mean nothing. */
  round: () => Promise<Record<string, number>>
}

/** What of the rounds is compared. Without a target the ratio is information. */
export interface Question {
  name: string
  ours: { contestant: string; metric: string }
  ceiling: { contestant: string; metric: string }
  target?: number
}

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
    const oursPerSecond = figures.get(ours.contestant)![ours.metric]!
    const ceilingPerSecond = figures.get(ceiling.contestant)![ceiling.metric]!
    return {
      ours_per_second: Math.round(oursPerSecond),
      ceiling_per_second: Math.round(ceilingPerSecond),
      ratio: oursPerSecond / ceilingPerSecond,
    }
  })
  const ratio = spreadOf(rounds.map((round) => round.ratio))
  return {
    name,
    ours: ours.contestant,
    ceiling: ceiling.contestant,
    rounds,
    ratio,
    ...(target !== undefined && { target, verdict: ratio.median >= target ? 'met' : 'missed' }),
  }
}
