import { loadavg } from 'node:os'
import { join, resolve } from 'node:path'
import { BENCH_SCHEMA_VERSION, type Bench, BenchResults, type Measured } from '@lab/lab/bench/bench.ts'
import { copyLogs, createResultsFolder, DEFAULT_RESULTS, textOf, writeDocument } from '@lab/lab/run/folder.ts'
import { describeBroker, describeEnvironment } from '@lab/lab/run/provenance.ts'
import type { Session } from '@lab/lab/run/session.ts'
import { trioSpec } from '@lab/lab/trio.ts'
import type { z } from 'zod'
import type { BenchCommand } from './bench-command-line.ts'
import { startBrokers } from './start-brokers.ts'
import type { Terminal } from './terminal.ts'
import { withSession } from './with-session.ts'

export type BenchName = Exclude<BenchCommand['kind'], 'help' | 'fuzz'>

/** Loaded when it is asked for: the brokers' clients are large. */
const BENCHES: Record<BenchName, { needs: 'trios' | 'none'; load: () => Promise<Bench> }> = {
  throughput: { needs: 'trios', load: async () => (await import('@lab/lab/bench/throughput.ts')).throughput },
  ceilings: { needs: 'trios', load: async () => (await import('@lab/lab/bench/ceilings.ts')).ceilings },
  mqtt: { needs: 'none', load: async () => (await import('@lab/lab/bench/mqtt.ts')).mqtt },
  redis: { needs: 'none', load: async () => (await import('@lab/lab/bench/redis.ts')).redis },
  restman: { needs: 'none', load: async () => (await import('@lab/lab/bench/restman.ts')).restman },
}

/** Exit code 0 when the ledger of every part balances, else 1; a target that is missed is a finding. */
export async function benchCommand(
  name: BenchName,
  command: BenchCommand,
  terminal: Terminal,
): Promise<number> {
  const { needs, load } = BENCHES[name]
  const bench = await load()
  return withSession(terminal.say, async (session) => {
    const startedAt = new Date()
    const before = loadavg()
    const environment = await describeEnvironment()
    if (needs === 'trios') await startBrokers(session, command.parts.map(trioSpec), terminal.reporter)
    const measured: Measured[] = []
    for (const { part, title, measure } of bench.parts({ ...command, session, env: process.env })) {
      const [result] = await terminal.reporter.tasks([
        {
          title,
          run: measure,
          done: ({ short }: Measured) => `${part}: ${short}`,
          failed: ({ ledger }) => ledger.length > 0,
        },
      ])
      measured.push(result!)
      show(result!, terminal)
    }
    const results: BenchResults = {
      schema_version: BENCH_SCHEMA_VERSION,
      bench: name,
      started_at: startedAt.toISOString(),
      ended_at: new Date().toISOString(),
      environment,
      load_average: { before, after: loadavg() },
      servers: session.servers().map(describeBroker),
      parts: measured.map(({ part, ledger, tables, lines, data }) => ({
        part,
        valid: ledger.length === 0,
        ledger,
        tables,
        lines,
        data: JSON.parse(JSON.stringify(data)),
      })),
    }
    await saveBench(
      { command, session, terminal },
      { file: 'bench.json', schema: BenchResults, results, startedAt },
    )
    return measured.every(({ ledger }) => ledger.length === 0) ? 0 : 1
  })
}

function show({ part, ledger, tables, lines }: Measured, { table, print }: Terminal): void {
  for (const one of tables) table(one)
  for (const line of lines) print(line)
  if (ledger.length === 0) print(`${part}: the ledger balances\n`)
  else
    print(`INVALID  ${part}: these figures mean nothing\n${ledger.map((line) => `  ${line}`).join('\n')}\n`)
}

export interface Benching {
  command: BenchCommand
  session: Session
  terminal: Terminal
}

interface Saved<Schema extends z.ZodType> {
  file: string
  schema: Schema
  results: z.output<Schema>
  startedAt: Date
}

/** Writes the results and the logs into a folder of their own, and says where; with `--json` it prints the results too. */
export async function saveBench<Schema extends z.ZodType>(
  { command, session, terminal }: Benching,
  { file, schema, results, startedAt }: Saved<Schema>,
): Promise<void> {
  const base = command.out === undefined ? DEFAULT_RESULTS : resolve(command.out)
  const folder = await createResultsFolder(base, startedAt)
  await writeDocument(join(folder, file), schema, results)
  await copyLogs(session.run.path, folder)
  if (command.json) terminal.document(textOf(schema, results))
  terminal.print(`Results and logs: ${folder}`)
}
