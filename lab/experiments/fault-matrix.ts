import { hash } from 'node:crypto'
import { messageOf } from '@lab/kit/errors.ts'
import { catalogue } from '../faults/catalogue/index.ts'
import {
  type Cell,
  type CellResult,
  type CellVerdict,
  judge,
  type Losses,
  labelOf,
  RESULTS,
  runCell,
  seconds,
} from '../faults/cell.ts'
import { brokerOf, type Fault, NotInjected } from '../faults/fault.ts'
import { type SoakOptions, soak, soakCharts, soakChecks, soakTables } from '../faults/soak.ts'
import { describeStatuses } from '../ledger/history.ts'
import { patternOf } from '../near.ts'
import { NotApplicable } from '../part.ts'
import { STYLE } from '../parts/index.ts'
import { TRIOS, type TrioName } from '../trio.ts'
import {
  type Check,
  check,
  defineExperiment,
  type ExperimentContext,
  type Outcome,
  type Table,
} from './experiment.ts'

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

interface SoakParams extends Omit<SoakOptions, 'faults'>, Record<string, unknown> {
  kind: 'soak'
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
  const results = await runMatrix(context, params)
  if (results.length === 0) throw new Error(`no fault and no cell is like '${params.only}'`)
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

/** Runs cell after cell. One that fails is a result; only an abort ends the matrix. */
async function runMatrix(context: ExperimentContext<unknown>, params: MatrixParams): Promise<CellResult[]> {
  const { repeats, seed, slack } = params
  const { faults, wants } = chosenBy(params)
  const cells = faults.flatMap((fault) =>
    TRIOS.filter((part) => fault.parts[part] !== undefined && wants(fault, part)).flatMap((part) =>
      Array.from({ length: typeof fault.parts[part] === 'string' ? 1 : repeats }, (_, turn) => ({
        fault,
        part,
        seed: seedOf(fault.name, part, seed + turn),
      })),
    ),
  )
  const results: CellResult[] = []
  for (const [at, cell] of cells.entries()) {
    const progress = (text: string) => context.progress(`cell ${at + 1} of ${cells.length}, ${text}`)
    progress(labelOf(cell))
    results.push(await resultOf({ ...context, progress }, { ...cell, slack }))
    context.signal.throwIfAborted()
  }
  return results
}

async function resultOf(
  context: ExperimentContext<unknown>,
  { fault, part, seed, slack }: Omit<Cell, 'plan'> & { slack: number },
): Promise<CellResult> {
  const plan = fault.parts[part]!
  const { name, kind, means } = fault
  const named = { fault: name, kind, part, ...(means !== undefined && { means }) }
  if (typeof plan === 'string') return { ...named, verdict: 'not applicable', why: plan }
  if (fault.kind === 'broker' && !(await brokerOf(context, part))?.control)
    return { ...named, verdict: 'not applicable', why: 'this broker was not started by the lab' }
  const cell = { fault, part, seed, plan: { ...plan, limitMs: plan.limitMs * slack } }
  try {
    return await judge(cell, await runCell(context, cell))
  } catch (err) {
    context.signal.throwIfAborted()
    const why = messageOf(err).split('\n')[0] ?? ''
    if (err instanceof NotApplicable) return { ...named, verdict: 'not applicable', why }
    return { ...named, seed, verdict: err instanceof NotInjected ? 'not run' : 'BROKEN', why }
  }
}

/** Each cell has a seed of its own, so that one cell alone does what it does among the others. */
function seedOf(fault: string, part: TrioName, seed: number): number {
  return Number.parseInt(hash('sha1', `${fault} ${part} ${seed}`, 'hex').slice(0, 7), 16)
}

/** The results of one fault on one part, over all its repetitions, and the worst verdict of them. */
type MatrixRow = ReturnType<typeof rowsOf>[number]

function rowsOf(results: CellResult[]) {
  const groups = Map.groupBy(results, ({ fault, part }) => `${fault}\n${part}`)
  return [...groups.values()].map((group) => {
    const [{ fault, kind, part }] = group as [CellResult, ...CellResult[]]
    const rank = (verdict: CellVerdict) => RESULTS.indexOf(verdict)
    const verdict = group.map((each) => each.verdict).reduce((a, b) => (rank(a) >= rank(b) ? a : b))
    return { fault, kind, part, results: group, verdict }
  })
}

const matrixTables = (rows: MatrixRow[]): Table[] => tablesOf(rows).filter(({ rows }) => rows.length > 0)

const tablesOf = (rows: MatrixRow[]): Table[] => [
  overview(rows.filter(({ kind }) => kind !== 'crash point')),
  crashTable(rows.filter(({ kind }) => kind === 'crash point')),
  ...TRIOS.filter((part) => rows.some((row) => row.part === part && row.verdict !== 'not applicable')).map(
    (part) => partTable(part, rows),
  ),
  reasonsTable(rows),
]

const overview = (rows: MatrixRow[]): Table => ({
  title:
    'Fault × part: what became of the guarantees, and how long after the fault the first new order was done',
  columns: ['kind', 'fault', ...TRIOS.map((part) => STYLE[part])],
  rows: [...Map.groupBy(rows, ({ fault }) => fault)].map(([fault, group]) => [
    group[0]!.kind,
    fault,
    ...TRIOS.map((part) => inShort(group.find((row) => row.part === part))),
  ]),
})

const crashTable = (rows: MatrixRow[]): Table => ({
  title: 'Crash points: the process ends itself in the very line',
  columns: ['style', 'crash', 'at that moment', 'result and recovery'],
  rows: rows.map((row) => [
    STYLE[row.part],
    row.fault.replace('crash at ', ''),
    row.results[0]!.means ?? '',
    inShort(row),
  ]),
})

function inShort(row: MatrixRow | undefined): string {
  if (!row) return ''
  if (row.verdict === 'not applicable') return 'n/a'
  const recovery = recoveryOf(row)
  return recovery === '–' ? row.verdict : `${row.verdict} ${recovery}`
}

const partTable = (part: TrioName, rows: MatrixRow[]): Table => ({
  title: `Under faults: ${STYLE[part]}`,
  columns: ['fault', 'clients heard', 'lasted', 'recovery', 'limit', 'lost', 'doubled', 'stuck', 'result'],
  rows: rows
    .filter((row) => row.part === part && row.verdict !== 'not applicable')
    .map((row) => [
      row.fault,
      heardIn(row),
      range(row.results.map(({ fault_ms }) => fault_ms)),
      recoveryOf(row),
      range(row.results.map(({ limit_ms }) => limit_ms)),
      sumOf(row, 'lost'),
      sumOf(row, 'doubled'),
      sumOf(row, 'stuck'),
      row.verdict,
    ]),
})

/** What is not plainly held, by its reason. */
function reasonsTable(rows: MatrixRow[]): Table {
  const notable = rows.flatMap(({ results }) => results).filter(({ verdict }) => verdict !== 'held')
  const groups = [...Map.groupBy(notable, ({ verdict, why }) => `${verdict}\n${why}`).values()]
  return {
    title: 'Why a cell is not plainly held',
    columns: ['result', 'why', 'cells'],
    rows: groups.map((group) => [
      group[0]!.verdict,
      group[0]!.why,
      [...new Set(group.map(({ fault, part }) => `${fault} × ${STYLE[part]}`))].join('; '),
    ]),
  }
}

function heardIn({ results }: MatrixRow): string {
  const all: Record<string, number> = {}
  for (const { heard } of results)
    for (const [status, count] of Object.entries(heard?.statuses ?? {}))
      all[status] = (all[status] ?? 0) + count
  return describeStatuses(all)
}

const recoveryOf = ({ results }: MatrixRow): string => range(results.map(({ recovery_ms }) => recovery_ms))

/** `1.20 s`, or `1.20 s to 1.93 s` over several. */
function range(values: (number | undefined)[]): string {
  const known = values.filter((value) => value !== undefined)
  if (known.length === 0) return '–'
  const [low, high] = [seconds(Math.min(...known)), seconds(Math.max(...known))]
  return low === high ? low : `${low} to ${high}`
}

const sumOf = ({ results }: MatrixRow, what: keyof Losses): number | string => {
  const known = results.flatMap(({ losses }) => losses ?? [])
  return known.length === 0 ? '–' : known.reduce((sum, losses) => sum + losses[what], 0)
}
