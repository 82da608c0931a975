import { benchRestman, type RestmanBench } from '@lab/lab/bench/restman.ts'
import type { BenchCommand } from './bench-command-line.ts'
import type { Terminal } from './terminal.ts'
import { withSession } from './with-session.ts'

/** What is promised: the services' start, their memory, and that an order costs the same later. */
const TARGETS = { startMs: 45_000, rssMb: 3_072, flatness: 1.25 }

/** Exit code 0 when every order had its rows once; a target that is missed is a finding. */
export async function restmanCommand(command: BenchCommand, terminal: Terminal): Promise<number> {
  return withSession(terminal.say, async (session) => {
    const [orders] = command.orders as [number]
    const [result] = await terminal.reporter.tasks([
      {
        title: 'platform-restman: orders per second through the gateway',
        run: (progress) => benchRestman({ session, orders, connections: command.connections, progress }),
        done: ({ startMs }: RestmanBench) =>
          `platform-restman: ready after ${(startMs / 1_000).toFixed(1)} s`,
        failed: ({ valid }) => !valid,
      },
    ])
    for (const table of result!.tables) terminal.table(table)
    const { startMs, rssMb, flatness } = result!
    terminal.print(
      `services ready after ${(startMs / 1_000).toFixed(1)} s, target ${TARGETS.startMs / 1_000}`,
    )
    terminal.print(`resident, all services: ${Math.round(rssMb)} MB, target ${TARGETS.rssMb}`)
    terminal.print(
      `cost of an order, last segment to first: ${flatness.toFixed(2)}, target ${TARGETS.flatness}`,
    )
    if (!result!.valid) terminal.print('INVALID  not every order had its rows once')
    return result!.valid ? 0 : 1
  })
}
