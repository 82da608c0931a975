import { join, resolve } from 'node:path'
import { measureThroughput } from '@lab/lab/bench/throughput.ts'
import { BENCH_SCHEMA_VERSION, BenchResults, type PartThroughput } from '@lab/lab/bench/throughput-results.ts'
import { describeLoad, throughputTables } from '@lab/lab/bench/throughput-tables.ts'
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
import type { Terminal } from './terminal.ts'
import { withSession } from './with-session.ts'

/** Exit code 0 when the ledger of every part balances, else 1. */
export async function throughputCommand(command: BenchCommand, terminal: Terminal): Promise<number> {
  return withSession(terminal.say, async (session) => {
    const startedAt = new Date()
    const environment = await describeEnvironment()
    await startBrokers(
      session,
      new Set(command.parts.flatMap((name) => parts[name].broker ?? [])),
      terminal.reporter,
    )
    const measured: PartThroughput[] = []
    for (const name of command.parts) {
      const result = await measurePart(name, { command, session, terminal })
      measured.push(result)
      show(result, terminal)
    }
    const results: BenchResults = {
      schema_version: BENCH_SCHEMA_VERSION,
      bench: 'throughput',
      started_at: startedAt.toISOString(),
      ended_at: new Date().toISOString(),
      environment,
      brokers: session.brokers().map(describeBroker),
      parts: measured,
    }
    await save(results, { command, session, terminal, startedAt })
    return measured.every(({ valid }) => valid) ? 0 : 1
  })
}

interface Bench {
  command: BenchCommand
  session: Session
  terminal: Terminal
}

async function measurePart(name: PartName, { command, session, terminal }: Bench): Promise<PartThroughput> {
  const [result] = await terminal.reporter.tasks([
    {
      title: `${name}: throughput`,
      run: (progress) => measureThroughput({ ...command, session, part: name, progress }),
      done: ({ segments }: PartThroughput) =>
        `${name}: completed/s ${segments.map((segment) => segment.completed_per_second).join(', then ')}`,
      failed: ({ valid }) => !valid,
    },
  ])
  return result!
}

function show(result: PartThroughput, { table, print }: Terminal): void {
  for (const one of throughputTables(result)) table(one)
  print(describeLoad(result))
  if (result.valid) print(`${result.part}: the ledger balances\n`)
  else
    print(
      `INVALID  ${result.part}: these figures mean nothing\n${result.ledger.map((line) => `  ${line}`).join('\n')}\n`,
    )
}

async function save(
  results: BenchResults,
  { command, session, terminal, startedAt }: Bench & { startedAt: Date },
): Promise<void> {
  const base = command.out === undefined ? DEFAULT_RESULTS : resolve(command.out)
  const folder = await createResultsFolder(base, startedAt)
  await writeDocument(join(folder, 'bench.json'), BenchResults, results)
  await copyLogs(session.run.path, folder)
  if (command.json) terminal.document(textOf(BenchResults, results))
  terminal.print(`Results and logs: ${folder}`)
}
