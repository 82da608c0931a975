import { catalogue } from '../faults/catalogue/index.ts'
import { labelOf } from '../faults/cell.ts'
import type { Fault } from '../faults/fault.ts'
import { runMatrix } from '../faults/matrix.ts'
import { type MatrixRow, matrixTables, rowsOf } from '../faults/matrix-tables.ts'
import { type SoakRun, soak } from '../faults/soak.ts'
import { soakCharts, soakChecks, soakTables } from '../faults/soak-report.ts'
import type { PartName } from '../stack/parts.ts'
import { type Check, check, defineExperiment, type ExperimentContext, type Outcome } from './experiment.ts'
import { PARTS, STYLE } from './offered-load.ts'

type Params = MatrixParams | SoakParams

interface MatrixParams extends Record<string, unknown> {
  kind: 'matrix'
  cells: 'a few' | 'all'
  /** How often each cell runs, each time with another seed. */
  repeats: number
  seed: number
  /** How many times its limit a recovery may take; more than 1 where the machine does other things as well. */
  slack: number
  /** Patterns for faults (`SIGKILL*`) or cells (`* × Kafka`), separated by commas; `*` stands for anything. */
  only: string
}

interface SoakParams extends Record<string, unknown> {
  kind: 'soak'
  /** For each part. */
  orders: number
  /** Orders per second. */
  rate: number
  /** From one fault to the next: a seeded random time between the two. */
  everySeconds: [number, number]
  seed: number
  slack: number
  only: string
}

export const faultMatrix = defineExperiment<Params>({
  name: 'fault-matrix',
  part: 'all',
  question:
    'Every part is broken in every way under load: is an order lost, doubled or stuck, and how long until it works again?',
  profiles: {
    quick: { kind: 'matrix', cells: 'a few', repeats: 1, seed: 1, slack: 5, only: '*' },
    default: { kind: 'matrix', cells: 'all', repeats: 1, seed: 1, slack: 1, only: '*' },
    full: { kind: 'matrix', cells: 'all', repeats: 3, seed: 1, slack: 1, only: '*' },
    // 102,000 orders: some slots may be dropped, and 100,000 are to be left. About ten minutes a part. The load is three
    // times that of a cell, and a fault can come before the backlog of the one before is gone.
    soak: { kind: 'soak', orders: 102_000, rate: 180, everySeconds: [10, 15], seed: 1, slack: 2, only: '*' },
  },
  run: (context) =>
    context.params.kind === 'soak' ? runSoak(context, context.params) : runCells(context, context.params),
})

/** One of each sort that needs no power over a broker, chosen so that all of them take less than a minute. */
const FEW: [fault: string, part: PartName][] = [
  ['SIGKILL inventory', 'sync-rest'],
  ['SIGKILL the order service', 'async-rabbitmq'],
  ['SIGKILL inventory', 'async-rabbitmq'],
  ['SIGTERM inventory', 'async-rabbitmq'],
  ['SIGKILL the order service', 'streaming-kafka'],
  ['SIGKILL inventory', 'streaming-kafka'],
]

async function runCells(
  context: ExperimentContext<unknown>,
  { cells, repeats, seed, slack, only }: MatrixParams,
): Promise<Outcome> {
  const pattern = patternOf(only)
  const wants = (fault: Fault, part: PartName) =>
    (pattern.test(fault.name) || pattern.test(labelOf({ fault, part }))) &&
    (cells === 'all' || FEW.some(([name, where]) => name === fault.name && where === part))
  const results = await runMatrix(context, { faults: catalogue, wants, repeats, seed, slack })
  if (results.length === 0) throw new Error(`no fault and no cell is like '${only}'`)
  const rows = rowsOf(results)
  return {
    checks: rows.flatMap(checksOf),
    tables: matrixTables(rows),
    reading: readingOf(rows),
    data: { cells: results },
  }
}

async function runSoak(
  context: ExperimentContext<unknown>,
  { only, ...options }: SoakParams,
): Promise<Outcome> {
  const pattern = patternOf(only)
  const faults = catalogue.filter(({ name }) => pattern.test(name))
  const runs: SoakRun[] = []
  for (const part of PARTS) runs.push(await soak(context, part, { ...options, faults }))
  return {
    checks: runs.flatMap(soakChecks),
    tables: soakTables(runs),
    charts: soakCharts(runs),
    data: Object.fromEntries(
      runs.map(({ part, strikes, samples, ledger, load }) => [
        part,
        { strikes, samples, totals: ledger.totals, counts: load.result.counts },
      ]),
    ),
  }
}

function patternOf(only: string): RegExp {
  const literal = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
  const patterns = only.split(',').map((one) => one.trim().split('*').map(literal).join('.*'))
  return new RegExp(`^(${patterns.join('|')})$`, 'i')
}

function checksOf({ fault, part, verdict, results }: MatrixRow): Check[] {
  if (verdict === 'not applicable') return []
  const holds = verdict === 'held' || verdict === 'known loss'
  const orders = results.reduce((sum, { orders = 0 }) => sum + orders, 0)
  const said = results
    .filter((each) => each.verdict !== 'held')
    .map(({ verdict, why }) => `${verdict}: ${why}`)
  const detail = [...new Set(said), `${orders} orders`].join('; ')
  return [
    check(
      `${fault} × ${STYLE[part]}: every order is accounted for, and it works again in time`,
      holds,
      detail,
    ),
  ]
}

function readingOf(rows: MatrixRow[]): string[] {
  const count = (verdict: MatrixRow['verdict']) => rows.filter((row) => row.verdict === verdict).length
  const orders = rows.flatMap(({ results }) => results).reduce((sum, { orders = 0 }) => sum + orders, 0)
  const others = (['known loss', 'not run', 'BROKEN', 'not applicable'] as const)
    .filter((verdict) => count(verdict) > 0)
    .map((verdict) => `${count(verdict)} ${verdict}`)
  return [
    `${count('held')} of ${rows.length} cells held over ${orders} orders${others.length === 0 ? '' : `; ${others.join(', ')}`}.`,
  ]
}
