import { measureThroughput } from '@lab/lab/bench/throughput.ts'
import { BENCH_SCHEMA_VERSION, BenchResults, type PartThroughput } from '@lab/lab/bench/throughput-results.ts'
import { describeLoad, throughputTables } from '@lab/lab/bench/throughput-tables.ts'
import { describeBroker, describeEnvironment } from '@lab/lab/report/environment.ts'
import { type TrioName, trioSpec } from '@lab/lab/trio.ts'
import type { BenchCommand } from './bench-command-line.ts'
import { type Benching, saveBench } from './save-bench.ts'
import { startBrokers } from './start-brokers.ts'
import type { Terminal } from './terminal.ts'
import { withSession } from './with-session.ts'

/** Exit code 0 when the ledger of every part balances, else 1. */
export async function throughputCommand(command: BenchCommand, terminal: Terminal): Promise<number> {
  return withSession(terminal.say, async (session) => {
    const startedAt = new Date()
    const environment = await describeEnvironment()
    await startBrokers(session, command.parts.map(trioSpec), terminal.reporter)
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
    await saveBench(
      { command, session, terminal },
      { file: 'bench.json', schema: BenchResults, results, startedAt },
    )
    return measured.every(({ valid }) => valid) ? 0 : 1
  })
}

async function measurePart(
  name: TrioName,
  { command, session, terminal }: Benching,
): Promise<PartThroughput> {
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
