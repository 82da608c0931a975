import { loadavg } from 'node:os'
import { measureCeilings } from '@lab/lab/bench/ceilings/ceilings.ts'
import {
  CEILINGS_SCHEMA_VERSION,
  CeilingsResults,
  type PartCeilings,
} from '@lab/lab/bench/ceilings/results.ts'
import { ceilingTables } from '@lab/lab/bench/ceilings/tables.ts'
import { describeBroker, describeEnvironment } from '@lab/lab/report/environment.ts'
import { type TrioName, trioSpec } from '@lab/lab/trio.ts'
import { openKafkaTools } from '@lab/stack/kafka-tools.ts'
import type { BenchCommand } from './bench-command-line.ts'
import { type Benching, saveBench } from './save-bench.ts'
import { startBrokers } from './start-brokers.ts'
import type { Terminal } from './terminal.ts'
import { withSession } from './with-session.ts'

/** Exit code 0 when the ledger balances in every round; a target that is missed is a finding. */
export async function ceilingsCommand(command: BenchCommand, terminal: Terminal): Promise<number> {
  return withSession(terminal.say, async (session) => {
    const startedAt = new Date()
    const before = loadavg()
    const environment = await describeEnvironment()
    await startBrokers(session, command.parts.map(trioSpec), terminal.reporter)
    const measured: PartCeilings[] = []
    for (const name of command.parts) {
      const result = await measurePart(name, { command, session, terminal })
      measured.push(result)
      show(result, terminal)
    }
    const results: CeilingsResults = {
      schema_version: CEILINGS_SCHEMA_VERSION,
      bench: 'ceilings',
      started_at: startedAt.toISOString(),
      ended_at: new Date().toISOString(),
      environment,
      load_average: { before, after: loadavg() },
      brokers: session.brokers().map(describeBroker),
      parts: measured,
    }
    await saveBench(
      { command, session, terminal },
      { file: 'ceilings.json', schema: CeilingsResults, results, startedAt },
    )
    return measured.every(({ valid }) => valid) ? 0 : 1
  })
}

async function measurePart(name: TrioName, { command, session, terminal }: Benching): Promise<PartCeilings> {
  const { rounds, connections } = command
  const { run, signal } = session
  const [result] = await terminal.reporter.tasks([
    {
      title: `${name}: ceilings`,
      run: (progress) => {
        const kafkaTools = () => openKafkaTools({ run, signal, progress, env: process.env })
        const [orders] = command.orders as [number]
        return measureCeilings({ session, part: name, orders, rounds, connections, kafkaTools, progress })
      },
      done: ({ comparisons }: PartCeilings) =>
        `${name}: ${comparisons.map((one) => `${one.name} ${one.ratio.median.toFixed(2)}`).join(', ')}`,
      failed: ({ valid }) => !valid,
    },
  ])
  return result!
}

function show(result: PartCeilings, { table, print }: Terminal): void {
  for (const one of ceilingTables(result)) table(one)
  if (result.valid) {
    print(`${result.part}: the ledger balances in every round\n`)
    return
  }
  const why = result.ledger.map((line) => `  ${line}`).join('\n')
  print(`INVALID  ${result.part}: these figures mean nothing\n${why}\n`)
}
