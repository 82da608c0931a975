import { type Check, check, defineExperiment, type ExperimentContext, type Outcome } from './experiment.ts'
import { guaranteeCard } from './guarantees.ts'
import { doubtsAboutLoad, PARTS, STYLE } from './offered-load.ts'
import { describeAnswers, figuresOf, type OutageFigures } from './outage-figures.ts'
import { chartsOf, readingOf, tablesOf } from './outage-report.ts'
import { outageOf, type PartOutage } from './outage-run.ts'
import { ledgerCheck } from './part-ledger.ts'

export interface Params extends Record<string, unknown> {
  /** Orders per second, all the time. */
  rate: number
  beforeSeconds: number
  /** From the SIGKILL of the inventory process to its restart. */
  outageSeconds: number
  afterSeconds: number
}

export const compareOutage = defineExperiment<Params>({
  name: 'compare-outage',
  part: 'all',
  question:
    'Inventory crashes under steady load and comes back: what do clients hear, what waits, what is lost?',
  profiles: {
    quick: { rate: 20, beforeSeconds: 1, outageSeconds: 2, afterSeconds: 2 },
    default: { rate: 50, beforeSeconds: 2, outageSeconds: 8, afterSeconds: 4 },
    full: { rate: 50, beforeSeconds: 5, outageSeconds: 60, afterSeconds: 15 },
  },
  run,
})

async function run(context: ExperimentContext<Params>): Promise<Outcome> {
  const outages: (PartOutage & { figures: OutageFigures })[] = []
  for (const name of PARTS) {
    const outage = await outageOf(context, name)
    outages.push({ ...outage, figures: figuresOf(outage) })
  }
  return {
    checks: outages.flatMap(checksOf),
    tables: [
      guaranteeCard(outages.map(({ part, guarantees }) => ({ name: STYLE[part], guarantees }))),
      ...tablesOf(outages),
    ],
    charts: chartsOf(outages),
    reading: readingOf(outages),
    invalid: outages.flatMap(({ part, load }) => doubtsAboutLoad(STYLE[part], load.result)),
    data: Object.fromEntries(outages.map(({ part, figures }) => [part, figures])),
  }
}

type Seen = PartOutage & { figures: OutageFigures }

function checksOf(seen: Seen): Check[] {
  const { part, figures, ledger, moments } = seen
  const style = STYLE[part]
  const { during, recovery_ms } = figures
  const back = check(
    `${style}: an order placed after the restart is done`,
    recovery_ms > 0,
    `the first one ${Math.round(recovery_ms)} ms after the restart`,
  )
  const heard = `${during.sent} orders placed meanwhile: ${describeAnswers(during)}`
  const clients =
    part === 'sync-rest'
      ? check(
          `${style}: no order is accepted while inventory is away`,
          during.sent > 0 && during.ok === 0,
          heard,
        )
      : check(
          `${style}: every order is accepted while inventory is away`,
          during.sent > 0 && during.ok === during.sent,
          heard,
        )
  return [
    clients,
    ...(part === 'sync-rest' ? [] : [piledUp()]),
    back,
    ledgerCheck(` (${style}): nothing is lost`, ledger),
  ]

  function piledUp(): Check {
    // What was accepted a moment ago may be on its way into the queue.
    const holds = moments.waitingAtRestart >= during.ok * 0.8
    const detail = `${moments.waitingAtRestart} right before the restart (${seen.counts}), ${during.ok} orders accepted since the crash`
    return check(`${style}: what is accepted waits`, holds, detail)
  }
}
