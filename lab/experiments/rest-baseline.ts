import { allAnswered, countOutcomes, describeOutcomes, latenciesOf } from '../load/closed-loop.ts'
import { histogramOf, milliseconds, summarize } from '../load/histogram.ts'
import { ledgerCheck } from '../parts/ledger.ts'
import { counted, perSecond } from '../report/number.ts'
import { stockFor } from '../trio.ts'
import { openBench } from './bench.ts'
import { latencyColumns, percentileChart } from './curves.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome, says, tableOf } from './experiment.ts'

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
  const { warmup, rounds: counts } = context.params
  await using bench = await openBench(context, { stock: stockFor(counts.reduce((a, b) => a + b, warmup)) })
  await bench.place(warmup, { what: 'warming up' })
  const rounds = await Array.fromAsync(counts, async (count) => {
    const load = await bench.place(count, { what: 'one after the other' })
    return { count, outcomes: countOutcomes(load), histogram: histogramOf(latenciesOf(load)) }
  })
  const last = rounds.at(-1)!.histogram
  return {
    checks: [
      check(
        'every order is answered 201',
        rounds.every(({ count, outcomes }) => allAnswered(outcomes, [201], count)),
        rounds.map(({ outcomes }) => describeOutcomes(outcomes)).join('; '),
      ),
      ledgerCheck('', await bench.ledger()),
    ],
    tables: [
      tableOf(`Sequential POST /order, answered when all is done (after ${warmup} to warm up)`, rounds, [
        ['orders', ({ count }) => count],
        ['answers', ({ outcomes }) => describeOutcomes(outcomes)],
        ...latencyColumns<(typeof rounds)[number]>(({ histogram }) => histogram),
      ]),
    ],
    charts: [
      percentileChart(
        'Latency by percentile, one order after the other',
        rounds.map(({ count, histogram }) => ({
          name: counted(count, 'order'),
          means: 'sync-rest',
          histogram,
        })),
        'sending',
      ),
    ],
    says: says('sync-rest', [
      [
        'an order',
        `answered when done: ${milliseconds(last.nearestRank(0.5)!)} ms (median), ${perSecond(1_000_000 / last.mean!)} one by one`,
      ],
    ]),
    data: {
      warmup,
      rounds: rounds.map(({ histogram }) => summarize(histogram)),
      outcomes: rounds.map(({ outcomes }) => outcomes),
      hdr_us: rounds.map(({ histogram }) => histogram.toJSON()),
    },
  }
}
