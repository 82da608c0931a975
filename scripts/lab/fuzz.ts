import { randomInt } from 'node:crypto'
import { fuzzPart } from '@lab/lab/fuzz/parts/fuzz-part.ts'
import {
  casesOf,
  FUZZ_SCHEMA_VERSION,
  FuzzResults,
  findingsOf,
  type PartFuzzed,
} from '@lab/lab/fuzz/results.ts'
import { findingLines, fuzzTable } from '@lab/lab/fuzz/tables.ts'
import { describeBroker, describeEnvironment } from '@lab/lab/run/provenance.ts'
import { type TrioName, trioSpec } from '@lab/lab/trio.ts'
import { type Benching, saveBench } from './bench.ts'
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
    await startBrokers(session, command.parts.map(trioSpec), terminal.reporter)
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
    await saveBench(
      { command, session, terminal },
      { file: 'fuzz.json', schema: FuzzResults, results, startedAt },
    )
    if (fuzzed.every((part) => casesOf(part) === 0))
      throw new UsageError(`--target: no route and no consumer has '${command.target}' in its name`)
    return fuzzed.every((part) => findingsOf(part).length === 0) ? 0 : 1
  })
}

interface Fuzzing extends Benching {
  seed: number
}

async function fuzzOne(name: TrioName, { command, seed, session, terminal }: Fuzzing): Promise<PartFuzzed> {
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
