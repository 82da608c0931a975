import type { HistoryRecord } from '../ledger/history.ts'
import type { PartName } from '../stack/parts.ts'
import { type Check, check, defineExperiment, type ExperimentContext, type Outcome } from './experiment.ts'
import { guaranteeCard } from './guarantees.ts'
import { chartsOf, readingOf, tablesOf } from './knee-report.ts'
import { type Bend, judgeSteps, type Step, stepOf } from './knee-steps.ts'
import { doubtsAboutLoad, mostOrders, offerPunctually, PARTS, STYLE, TRIES } from './offered-load.ts'
import { openPartClient } from './part-client.ts'
import { ledgerCheck, ledgerOf } from './part-ledger.ts'
import { openPartWatch } from './part-watch.ts'
import { stockEnv, stockFor } from './stock-env.ts'
import { warmUp } from './warm-up.ts'

export interface Params extends Record<string, unknown> {
  /** Orders per second, rising; a part's steps end with the first that bends. */
  rates: number[]
  secondsPerStep: number
  warmUpOrders: number
  bend: Bend & Record<string, number>
}

export const compareKnee = defineExperiment<Params>({
  name: 'compare-knee',
  part: 'all',
  question: 'How much load does each style carry before latency bends, and what gives way first?',
  profiles: {
    // A p95 needs 200 orders a step.
    quick: { rates: [100, 200], secondsPerStep: 2, warmUpOrders: 100, bend: { times: 20, atLeastMs: 100 } },
    default: {
      rates: [50, 100, 200, 400, 800, 1_600],
      secondsPerStep: 4,
      warmUpOrders: 500,
      bend: { times: 10, atLeastMs: 50 },
    },
    full: {
      rates: [50, 100, 200, 400, 800, 1_200, 1_600, 2_400, 3_200],
      secondsPerStep: 20,
      warmUpOrders: 2_000,
      bend: { times: 10, atLeastMs: 50 },
    },
  },
  run,
})

export type Knee = Awaited<ReturnType<typeof kneeOf>>

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const knees: Knee[] = []
  for (const part of PARTS) knees.push(await kneeOf(context, part))
  return {
    checks: knees.flatMap(checksOf),
    tables: [
      guaranteeCard(knees.map(({ part, guarantees }) => ({ name: STYLE[part], guarantees }))),
      ...tablesOf(knees, context.params),
    ],
    charts: chartsOf(knees),
    reading: readingOf(knees, context.params),
    invalid: knees.flatMap(doubtsAboutReference),
    data: Object.fromEntries(
      knees.map(({ part, steps, judged }) => [
        part,
        { ...judged, steps: steps.map(({ result: _, history: __, histories: ___, ...figures }) => figures) },
      ]),
    ),
  }
}

async function kneeOf(context: ExperimentContext<Params>, name: PartName) {
  const { params, signal } = context
  const planOf = (rate: number) => `${rate}/s for ${params.secondsPerStep}s`
  const initial = stockFor(params.warmUpOrders + TRIES * mostOrders(params.rates.map(planOf)))
  const part = await context.startPart(name, { durable: true, env: stockEnv(initial) })
  try {
    await using client = openPartClient(part, signal)
    await using watch = await openPartWatch({ part, client, signal })
    const warm = await warmUp(client, { ...context, count: params.warmUpOrders, what: STYLE[name] })
    const steps: Step[] = []
    const histories: (string | HistoryRecord[])[] = [warm]
    for (const rate of params.rates) {
      const load = await offerPunctually(context, part, {
        rate: planOf(rate),
        what: `${STYLE[name]}, ${rate}/s`,
      })
      steps.push(stepOf(rate, load))
      histories.push(...load.histories)
      if (judgeSteps(steps, params.bend).gaveWay !== null) break
      // The next step begins with nothing left of this one.
      await watch.settled(60_000)
    }
    const guarantees = await watch.guarantees()
    const ledger = await ledgerOf({ part, client, watch, signal, histories, initial, settleMs: 60_000 })
    return { part: name, steps, judged: judgeSteps(steps, params.bend), guarantees, ledger }
  } finally {
    await part.close()
  }
}

/** A later step that the generator could not offer only ends the steps; everything is held against the first one. */
function doubtsAboutReference({ part, steps: [first], judged }: Knee): string[] {
  if (!first) return [`${STYLE[part]}: nothing was offered`]
  if (!first.is_valid) return doubtsAboutLoad(`${STYLE[part]} at ${first.rate}/s`, first.result)
  if (judged.knee !== null) return []
  return [
    `${STYLE[part]} at ${first.rate}/s: the lowest rate bends already, so there is nothing to hold the others against`,
  ]
}

const checksOf = ({ part, steps, ledger }: Knee): Check[] => [
  check(
    `${STYLE[part]}: every order of the lowest rate is accepted and done`,
    steps[0]?.not_accepted === 0 && steps[0].not_completed === 0,
    `${steps[0]?.not_accepted} not accepted, ${steps[0]?.not_completed} not done, of ${steps[0]?.result.counts.sent}`,
  ),
  ledgerCheck(` (${STYLE[part]})`, ledger),
]
