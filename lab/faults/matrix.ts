import { hash } from 'node:crypto'
import { messageOf } from '@lab/kit/errors.ts'
import type { ExperimentContext, Table } from '../experiments/experiment.ts'
import { describeStatuses } from '../ledger/history.ts'
import { NotApplicable } from '../part.ts'
import { STYLE } from '../parts/index.ts'
import { TRIOS, type TrioName } from '../trio.ts'
import { brokerOf } from './bench.ts'
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
} from './cell.ts'
import { type Fault, NotInjected } from './fault.ts'

interface MatrixOptions {
  faults: Fault[]
  /** Which cells of them; all by default. */
  wants?: (fault: Fault, part: TrioName) => boolean
  /** How often each cell runs, each time with another seed. */
  repeats: number
  seed: number
  /** How many times its limit a recovery may take. */
  slack: number
}

/** Runs cell after cell. One that fails is a result; only an abort ends the matrix. */
export async function runMatrix(
  context: ExperimentContext<unknown>,
  { faults, wants = () => true, repeats, seed, slack }: MatrixOptions,
): Promise<CellResult[]> {
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

/** The results of one fault on one part, over all its repetitions. */
export interface MatrixRow {
  fault: string
  kind: string
  part: TrioName
  results: CellResult[]
  /** The worst of them. */
  verdict: CellVerdict
}

export function rowsOf(results: CellResult[]): MatrixRow[] {
  const groups = Map.groupBy(results, ({ fault, part }) => `${fault}\n${part}`)
  return [...groups.values()].map((group) => {
    const [{ fault, kind, part }] = group as [CellResult, ...CellResult[]]
    const rank = (verdict: CellVerdict) => RESULTS.indexOf(verdict)
    const verdict = group.map((each) => each.verdict).reduce((a, b) => (rank(a) >= rank(b) ? a : b))
    return { fault, kind, part, results: group, verdict }
  })
}

export const matrixTables = (rows: MatrixRow[]): Table[] =>
  tablesOf(rows).filter(({ rows }) => rows.length > 0)

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
