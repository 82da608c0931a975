import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { mutations } from '@lab/lab/prove/mutations/index.ts'
import { type Bench, type Mutation, type Proof, prove, unfitChecks } from '@lab/lab/prove/prove.ts'
import { copyRepository } from '@lab/lab/prove/scratch.ts'
import { openRunDir } from '@lab/stack/run-dir.ts'
import type { Command } from 'commander'
import { common, likeWord, oneOf, openTerminal, type Terminal } from './command-line.ts'
import { watchSignals } from './interrupt.ts'

const ROOT = resolve(import.meta.dirname, '../..')

interface Options {
  only?: Mutation[]
  list?: boolean
  json?: boolean
}

export function addProve(program: Command): void {
  program
    .command('prove')
    .summary('break each guarantee on purpose, and see which check notices')
    .description(
      'Breaks one guarantee after the other in a copy of the repository, by a small patch, and runs the check that has to notice. First all checks run without a patch: one that is red already proves nothing. About ten minutes; the copy is removed at the end.',
    )
    .option(
      '--only <name>',
      "one mutation, those that begin so ('rabbit'), or those like '*-doubled'; may be repeated",
      (word, before: Mutation[] = []) => [...before, ...standFor(word)],
    )
    .option('--list', 'names the mutations, the guarantees they break and their checks; runs nothing')
    .addOption(common.json)
    .addOption(common.verbose)
    .addHelpText(
      'after',
      `
Exit code 0 when every mutation is caught, 1 when one survives or a check proves nothing, 130 after Ctrl-C.`,
    )
    .action(async ({ only, list, ...options }: Options) => {
      const chosen = mutations.filter(
        (one) =>
          (only?.includes(one) ?? true) &&
          // A part that was deleted has nothing to prove.
          existsSync(join(ROOT, one.file.split('/')[0]!)),
      )
      if (list) return nameThem(chosen, options)
      process.exitCode = await proveThem(chosen, options)
    })
}

/** A name, the beginning of several (`rabbit` stands for `rabbit-…`), or a pattern with `*`. */
function standFor(word: string): Mutation[] {
  const alike = likeWord(word, mutations)
  const found = mutations.filter((one) => one.name === word || alike.includes(one))
  const names = mutations.map(({ name }) => name)
  if (found.length === 0) oneOf('mutation', word, names)
  return found
}

/** Exit code 0 when every mutation is caught, by checks that hold without it; else 1. */
async function proveThem(mutations: Mutation[], options: Options): Promise<number> {
  const terminal = openTerminal(options)
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
    return show(proofs, options, terminal)
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

function show(proofs: Proof[], { json }: Options, { document, table, print }: Terminal): number {
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

function nameThem(mutations: Mutation[], { json = false }: Options): void {
  const { document, table } = openTerminal({ json })
  const rows = mutations.map(({ name, breaks, check }) => ({ name, breaks, check: check.test }))
  if (json) document(`${JSON.stringify(rows, null, 2)}\n`)
  else
    table({
      title: 'Mutations (npm run lab -- prove --only <name>)',
      columns: ['mutation', 'guarantee', 'checked by'],
      rows: rows.map(({ name, breaks, check }) => [name, breaks, check]),
    })
}
