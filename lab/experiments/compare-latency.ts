import type { PartName } from '../stack/parts.ts'
import { check, defineExperiment, type ExperimentContext, type Outcome } from './experiment.ts'
import { guaranteeCard } from './guarantees.ts'
import { chartsOf } from './latency-curves.ts'
import { dataOf, offersTable, readingOf, tableOf } from './latency-report.ts'
import {
  doubtsAboutLoad,
  mostOrders,
  offerPunctually,
  PARTS,
  type PunctualLoad,
  STYLE,
  TRIES,
} from './offered-load.ts'
import { openPartClient } from './part-client.ts'
import { ledgerCheck, ledgerOf } from './part-ledger.ts'
import { openPartWatch } from './part-watch.ts'
import { rotated } from './repeated.ts'
import { stockEnv, stockFor } from './stock-env.ts'
import { warmUp } from './warm-up.ts'

export interface Params extends Record<string, unknown> {
  /** Orders per second, one after the other on the same copy of a part. */
  rates: number[]
  /** How long each rate is measured. */
  seconds: number
  /** Orders that are placed and done before, in every fresh copy of a part, and in no figure. */
  warmUpOrders: number
  /** `poisson`: independent arrivals; `even`: equal gaps. */
  arrivals: 'even' | 'poisson'
  repetitions: number
}

export const compareLatency = defineExperiment<Params>({
  name: 'compare-latency',
  part: 'all',
  question: 'At the same offered rate, how long until an order is accepted, and how long until it is done?',
  profiles: {
    quick: { rates: [50], seconds: 2, warmUpOrders: 100, arrivals: 'even', repetitions: 1 },
    // 400 orders a run have a p95, those of the three runs together a p99.
    default: { rates: [200], seconds: 2, warmUpOrders: 200, arrivals: 'even', repetitions: 3 },
    full: { rates: [50, 200, 400], seconds: 20, warmUpOrders: 1_000, arrivals: 'poisson', repetitions: 3 },
  },
  run,
})

/** One copy of one part, loaded with each rate in turn. */
export interface Measured {
  part: PartName
  repetition: number
  loads: (PunctualLoad & { rate: number })[]
}

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const { params } = context
  const measured: Awaited<ReturnType<typeof measure>>[] = []
  for (let repetition = 0; repetition < params.repetitions; repetition++) {
    for (const part of rotated(PARTS, repetition)) measured.push(await measure(context, part, repetition))
  }
  const sent = measured.flatMap(({ loads }) => loads.map(({ result }) => result.counts))
  const notOk = sent.reduce((sum, counts) => sum + counts.sent - counts.ok, 0)
  const total = sent.reduce((sum, counts) => sum + counts.sent, 0)
  return {
    checks: [
      check('every order is accepted', notOk === 0, `${total - notOk} of ${total} accepted`),
      ...measured.map(({ part, repetition, ledger }) =>
        ledgerCheck(` (${STYLE[part]}, run ${repetition + 1})`, ledger),
      ),
    ],
    tables: [
      guaranteeCard(
        PARTS.map((part) => ({
          name: STYLE[part],
          guarantees: measured.find((one) => one.part === part)!.guarantees,
        })),
      ),
      tableOf(measured, params),
      offersTable(measured, params),
    ],
    charts: chartsOf(measured, params),
    reading: readingOf(measured, params),
    invalid: measured.flatMap(({ part, repetition, loads }) =>
      loads.flatMap(({ rate, result }) =>
        doubtsAboutLoad(`${STYLE[part]} at ${rate}/s, run ${repetition + 1}`, result),
      ),
    ),
    data: dataOf(measured, params),
  }
}

async function measure(context: ExperimentContext<Params>, name: PartName, repetition: number) {
  const { params, signal } = context
  const planOf = (rate: number) =>
    `${params.arrivals === 'poisson' ? 'poisson ' : ''}${rate}/s for ${params.seconds}s`
  const initial = stockFor(params.warmUpOrders + TRIES * mostOrders(params.rates.map(planOf)))
  const part = await context.startPart(name, { durable: true, env: stockEnv(initial) })
  try {
    await using client = openPartClient(part, signal)
    await using watch = await openPartWatch({ part, client, signal })
    const what = `${STYLE[name]}, run ${repetition + 1} of ${params.repetitions}`
    const warm = await warmUp(client, { ...context, count: params.warmUpOrders, what })
    const loads: Measured['loads'] = []
    for (const rate of params.rates) {
      const plan = { rate: planOf(rate), seed: repetition + 1, what: `${what}, ${rate}/s` }
      loads.push({ rate, ...(await offerPunctually(context, part, plan)) })
    }
    const guarantees = await watch.guarantees()
    const histories = [warm, ...loads.flatMap((load) => load.histories)]
    const ledger = await ledgerOf({ part, client, watch, signal, histories, initial })
    return { part: name, repetition, loads, guarantees, ledger }
  } finally {
    await part.close()
  }
}
