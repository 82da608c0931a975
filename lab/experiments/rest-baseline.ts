import {
  allAnswered,
  answered,
  closedLoop,
  countOutcomes,
  describeOutcomes,
  recordsOf,
} from '../load/closed-loop.ts'
import { histogramOf, LATENCY_COLUMNS, latencyCells, summarize } from '../load/histogram.ts'
import { openPartClient } from '../parts/client.ts'
import { ledgerCheck, ledgerOf } from '../parts/ledger.ts'
import { counted } from '../report/number.ts'
import { stockEnv, stockFor } from '../trio.ts'
import { percentileChart } from './curves.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome } from './experiment.ts'

interface Params extends Record<string, unknown> {
  /** Orders that are placed first and not measured: code and connections are cold. */
  warmup: number
  /** The seed's 20, and enough orders for the percentiles it asks for. */
  rounds: number[]
}

export const restBaseline = defineExperiment<Params>({
  name: 'rest-baseline',
  part: 'sync-rest',
  question: 'How long does one order take when every service answers before the next one is asked?',
  profiles: {
    quick: { warmup: 20, rounds: [20, 200] },
    default: { warmup: 100, rounds: [20, 1_000] },
    full: { warmup: 100, rounds: [20, 1_000] },
  },
  run,
})

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params, signal, progress } = context
  const initial = stockFor(params.warmup + params.rounds.reduce((sum, count) => sum + count))
  const part = await context.start({ env: stockEnv(initial) })
  await using client = openPartClient(part, signal)

  const place = async (count: number, what: string) =>
    closedLoop(client.place, {
      count,
      concurrency: 1,
      signal,
      onAnswer: (done) => progress(`${what}: ${done} of ${count} orders answered`),
    })
  const warmup = await place(params.warmup, 'warming up')
  const rounds = []
  for (const count of params.rounds) rounds.push(await place(count, 'one after the other'))

  const latencies = rounds.map((round) => answered(round).map(({ latencyUs }) => latencyUs))
  const [summaries, histograms] = [latencies.map(summarize), latencies.map(histogramOf)]
  const outcomes = rounds.map(countOutcomes)
  const histories = [warmup, ...rounds].map(recordsOf)
  const all201 = outcomes.every((counts, i) => allAnswered(counts, [201], params.rounds[i]!))
  return {
    checks: [
      check('every order is answered 201', all201, outcomes.map(describeOutcomes).join('; ')),
      ledgerCheck('', await ledgerOf(part, { histories, initial, signal })),
    ],
    tables: [
      {
        title: `Sequential POST /order, answered when all is done (after ${params.warmup} to warm up)`,
        columns: ['orders', 'answers', ...LATENCY_COLUMNS],
        rows: summaries.map((summary, i) => [
          params.rounds[i]!,
          describeOutcomes(outcomes[i]!),
          ...latencyCells(summary),
        ]),
      },
    ],
    charts: [
      percentileChart(
        'Latency by percentile, one order after the other',
        histograms.map((histogram, i) => ({
          name: counted(params.rounds[i]!, 'order'),
          means: 'sync-rest',
          histogram,
        })),
        'sending',
      ),
    ],
    data: {
      warmup: params.warmup,
      rounds: summaries,
      outcomes,
      histograms: histograms.map((each) => each.toJSON()),
    },
  }
}
