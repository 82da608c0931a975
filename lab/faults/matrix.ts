import { hash } from 'node:crypto'
import { messageOf } from '@lab/kit/errors.ts'
import type { ExperimentContext } from '../experiments/experiment.ts'
import { NotApplicable } from '../part.ts'
import { TRIOS, type TrioName } from '../trio.ts'
import { type Cell, labelOf, runCell } from './cell.ts'
import { brokerOf } from './ensure-broker.ts'
import { type Fault, NotInjected } from './fault.ts'
import { type CellResult, judge } from './judge.ts'

export interface MatrixOptions {
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
