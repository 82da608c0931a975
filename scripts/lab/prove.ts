import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Mutation } from '@lab/lab/prove/mutation.ts'
import { type Proof, prove, unfitChecks } from '@lab/lab/prove/prove.ts'
import type { Bench } from '@lab/lab/prove/run-tests.ts'
import { copyRepository } from '@lab/lab/prove/scratch.ts'
import { openRunDir } from '@lab/stack/run-dir.ts'
import { watchSignals } from './interrupt.ts'
import type { ProveCommand } from './prove-command-line.ts'
import type { Terminal } from './terminal.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** Exit code 0 when every mutation is caught, by checks that hold without it; else 1. */
export async function proveCommand(command: ProveCommand, terminal: Terminal): Promise<number> {
  // A part that was deleted has nothing to prove.
  const mutations = command.mutations.filter(({ file }) =>
    existsSync(join(ROOT, file.split('/')[0] as string)),
  )
  if (command.list) return list(mutations, command, terminal)

  const { say } = terminal
  const interrupt = watchSignals({ say })
  const run = await openRunDir({ env: process.env, progress: say })
  interrupt.onSecond(run.close)
  const { signal } = interrupt
  try {
    const bench: Bench = { run, root: join(run.path, 'repository'), env: process.env, signal }
    await copyRepository(ROOT, bench.root)
    const unfit = await checksThatDoNotHold(mutations, bench, terminal)
    const proofs = await proveAll(mutations, { bench, unfit, terminal })
    signal.throwIfAborted()
    return show(proofs, command, terminal)
  } catch (err) {
    throw signal.aborted ? signal.reason : err
  } finally {
    await run.close()
  }
}

/** A check that is red already proves nothing. */
async function checksThatDoNotHold(
  mutations: Mutation[],
  bench: Bench,
  { reporter }: Terminal,
): Promise<Map<string, string>> {
  const files = new Set(mutations.map(({ check }) => check.test)).size
  const [unfit] = await reporter.tasks([
    {
      title: `without a mutation: the checks, in ${files} test files`,
      run: () => unfitChecks(mutations, bench),
      done: ({ size }: Map<string, string>) =>
        size === 0 ? 'without a mutation all checks hold' : `${size} of ${files} test files prove nothing`,
      failed: ({ size }) => size > 0,
    },
  ])
  return unfit!
}

interface Proving {
  bench: Bench
  /** Test files that prove nothing, and why. */
  unfit: Map<string, string>
  terminal: Terminal
}

async function proveAll(mutations: Mutation[], { bench, unfit, terminal }: Proving): Promise<Proof[]> {
  const proofs: Proof[] = []
  for (const [i, mutation] of mutations.entries()) {
    const { name, breaks, check } = mutation
    const problem = unfit.get(check.test)
    const run = async (): Promise<Proof> =>
      problem === undefined
        ? prove(mutation, bench)
        : { name, breaks, verdict: 'no proof', by: `${check.test}: ${problem}` }
    const title = `${i + 1}/${mutations.length} ${name}: no longer true that ${breaks}`
    const done = (proof: Proof) => `${name}: ${inWords(proof)}`
    const failed = ({ verdict }: Proof) => verdict !== 'caught'
    proofs.push(...(await terminal.reporter.tasks([{ title, run, done, failed }])))
  }
  return proofs
}

const inWords = ({ verdict, by }: Pick<Proof, 'verdict' | 'by'>): string =>
  verdict === 'caught' ? `caught by ${by}` : `${verdict === 'survived' ? 'SURVIVED' : 'NO PROOF'}: ${by}`

function show(proofs: Proof[], { json }: ProveCommand, { document, table, print }: Terminal): number {
  if (json) document(`${JSON.stringify(proofs, null, 2)}\n`)
  const rows = proofs.map(({ name, breaks, ...proof }) => [name, breaks, inWords(proof)])
  table({
    title: 'What happens when a guarantee is broken',
    columns: ['mutation', 'guarantee', 'verdict'],
    rows,
  })
  const caught = proofs.filter(({ verdict }) => verdict === 'caught').length
  print(`${caught} of ${proofs.length} mutations are caught`)
  return caught === proofs.length ? 0 : 1
}

function list(mutations: Mutation[], { json }: ProveCommand, { document, table }: Terminal): number {
  const rows = mutations.map(({ name, breaks, check }) => ({ name, breaks, check: check.test }))
  if (json) document(`${JSON.stringify(rows, null, 2)}\n`)
  else
    table({
      title: 'Mutations (npm run lab -- prove --only <name>)',
      columns: ['mutation', 'guarantee', 'checked by'],
      rows: rows.map(({ name, breaks, check }) => [name, breaks, check]),
    })
  return 0
}
