import { randomInt } from 'node:crypto'
import { join, resolve } from 'node:path'
import { fuzzPart } from '@lab/lab/fuzz/parts/fuzz-part.ts'
import {
  casesOf,
  FUZZ_SCHEMA_VERSION,
  FuzzResults,
  findingsOf,
  type PartFuzzed,
} from '@lab/lab/fuzz/results.ts'
import { findingLines, fuzzTable } from '@lab/lab/fuzz/tables.ts'
import { describeBroker, describeEnvironment } from '@lab/lab/report/environment.ts'
import {
  copyLogs,
  createResultsFolder,
  DEFAULT_RESULTS,
  textOf,
  writeDocument,
} from '@lab/lab/report/results-folder.ts'
import type { Session } from '@lab/lab/session.ts'
import { type PartName, parts } from '@lab/lab/stack/parts.ts'
import type { BenchCommand } from './bench-command-line.ts'
import { startBrokers } from './start-brokers.ts'
import { UsageError } from './suggest.ts'
import type { Terminal } from './terminal.ts'
import { withSession } from './with-session.ts'

/** Exit code 0 when nothing was found, else 1. */
export async function fuzzCommand(command: BenchCommand, terminal: Terminal): Promise<number> {
  const seed = command.seed ?? randomInt(2 ** 31)
  return withSession(terminal.say, async (session) => {
    const startedAt = new Date()
    const environment = await describeEnvironment()
    await startBrokers(
      session,
      new Set(command.parts.flatMap((name) => parts[name].broker ?? [])),
      terminal.reporter,
    )
    terminal.print(`Seed ${seed}, ${command.cases} cases of each route and each consumer\n`)
    const fuzzed: PartFuzzed[] = []
    for (const name of command.parts) {
      const result = await fuzzOne(name, { command, seed, session, terminal })
      fuzzed.push(result)
      show(result, seed, terminal)
    }
    const results: FuzzResults = {
      schema_version: FUZZ_SCHEMA_VERSION,
      bench: 'fuzz',
      seed,
      cases: command.cases,
      started_at: startedAt.toISOString(),
      ended_at: new Date().toISOString(),
      environment,
      brokers: session.brokers().map(describeBroker),
      parts: fuzzed,
    }
    await save(results, { command, session, terminal, startedAt })
    if (fuzzed.every((part) => casesOf(part) === 0))
      throw new UsageError(`--target: no route and no consumer has '${command.target}' in its name`)
    return fuzzed.every((part) => findingsOf(part).length === 0) ? 0 : 1
  })
}

interface Fuzz {
  command: BenchCommand
  seed: number
  session: Session
  terminal: Terminal
}

async function fuzzOne(name: PartName, { command, seed, session, terminal }: Fuzz): Promise<PartFuzzed> {
  const { cases, target, only } = command
  const [result] = await terminal.reporter.tasks([
    {
      title: `${name}: fuzzing`,
      run: async (progress) => {
        const startedAt = performance.now()
        const targets = await fuzzPart({ session, part: name, cases, seed, target, only, progress })
        return { part: name, seconds: (performance.now() - startedAt) / 1_000, targets }
      },
      done: (part: PartFuzzed) =>
        `${name}: ${casesOf(part)} cases, ${part.targets.length} targets, ${findingsOf(part).length} findings`,
      failed: (part) => findingsOf(part).length > 0,
    },
  ])
  return result!
}

function show(result: PartFuzzed, seed: number, { table, print }: Terminal): void {
  table(fuzzTable(result))
  const lines = findingLines(result, seed)
  print(lines.length === 0 ? `${result.part}: nothing found\n` : `${lines.join('\n\n')}\n`)
}

async function save(
  results: FuzzResults,
  { command, session, terminal, startedAt }: Omit<Fuzz, 'seed'> & { startedAt: Date },
): Promise<void> {
  const base = command.out === undefined ? DEFAULT_RESULTS : resolve(command.out)
  const folder = await createResultsFolder(base, startedAt)
  await writeDocument(join(folder, 'fuzz.json'), FuzzResults, results)
  await copyLogs(session.run.path, folder)
  if (command.json) terminal.document(textOf(FuzzResults, results))
  terminal.print(`Results and logs: ${folder}`)
}
