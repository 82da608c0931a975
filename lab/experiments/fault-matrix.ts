import { catalogue } from '../faults/catalogue/index.ts'
import { labelOf } from '../faults/cell.ts'
import type { Fault } from '../faults/fault.ts'
import { type MatrixRow, matrixTables, rowsOf, runMatrix } from '../faults/matrix.ts'
import { soak, soakCharts, soakChecks, soakTables } from '../faults/soak.ts'
import { patternOf } from '../near.ts'
import { STYLE } from '../parts/index.ts'
import { TRIOS, type TrioName } from '../trio.ts'
import { type Check, check, defineExperiment, type ExperimentContext, type Outcome } from './experiment.ts'

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
  cases: (params) => {
    const { faults, wants } = chosenBy(params)
    const cells = (of: Fault[]) => of.flatMap((fault) => TRIOS.map((part) => ({ fault, part })))
    return {
      all: cells(catalogue).map(labelOf),
      chosen: cells(faults)
        .filter(({ fault, part }) => fault.parts[part] !== undefined && wants(fault, part))
        .map(labelOf),
    }
  },
  run: (context) =>
    context.params.kind === 'soak' ? runSoak(context, context.params) : runCells(context, context.params),
})

/** One of each sort that needs no power over a broker, chosen so that all of them take less than a minute. */
const FEW: [fault: string, part: TrioName][] = [
  ['SIGKILL inventory', 'sync-rest'],
  ['SIGKILL the order service', 'async-rabbitmq'],
  ['SIGKILL inventory', 'async-rabbitmq'],
  ['SIGTERM inventory', 'async-rabbitmq'],
  ['SIGKILL the order service', 'streaming-kafka'],
  ['SIGKILL inventory', 'streaming-kafka'],
]

async function runCells(context: ExperimentContext<unknown>, params: MatrixParams): Promise<Outcome> {
  const { repeats, seed, slack, only } = params
  const results = await runMatrix(context, { ...chosenBy(params), repeats, seed, slack })
  if (results.length === 0) throw new Error(`no fault and no cell is like '${only}'`)
  const rows = rowsOf(results)
  return {
    checks: rows.flatMap(checksOf),
    tables: matrixTables(rows),
    reading: readingOf(rows),
    data: { cells: results },
  }
}

async function runSoak(context: ExperimentContext<unknown>, params: SoakParams): Promise<Outcome> {
  const { only: _, ...options } = params
  const { faults } = chosenBy(params)
  const runs = await Array.fromAsync(TRIOS, (part) => soak(context, part, { ...options, faults }))
  return {
    checks: runs.flatMap(soakChecks),
    tables: soakTables(runs),
    charts: soakCharts(runs),
    data: Object.fromEntries(
      runs.map(({ part, injections, samples, ledger, load }) => [
        part,
        { injections, samples, totals: ledger.totals, counts: load.result.counts },
      ]),
    ),
  }
}

/** The faults, and in a matrix the cells of them, that `only` and `cells` leave. */
function chosenBy(params: Params): { faults: Fault[]; wants: (fault: Fault, part: TrioName) => boolean } {
  const patterns = params.only.split(',').map((one) => patternOf(one.trim(), 'i'))
  const isLike = (name: string) => patterns.some((pattern) => pattern.test(name))
  if (params.kind === 'soak') {
    return { faults: catalogue.filter(({ name }) => isLike(name)), wants: () => true }
  }
  const isWanted = (name: string, where: TrioName) =>
    params.cells === 'all' || FEW.some(([few, part]) => few === name && part === where)
  const wants = (fault: Fault, part: TrioName) =>
    (isLike(fault.name) || isLike(labelOf({ fault, part }))) && isWanted(fault.name, part)
  return { faults: catalogue, wants }
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
