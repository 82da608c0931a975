import { benchRedis, type RedisBench } from '@lab/lab/bench/redis.ts'
import type { BenchCommand } from './bench-command-line.ts'
import type { Terminal } from './terminal.ts'
import { withSession } from './with-session.ts'

/** What the platform should reach of the bare loop, and what the state of a full store may take. */
const TARGET = 0.6
const STATE_TARGET = 2
const STATE_P99_MS = 5

/** Exit code 0 when every change was answered and is in the stream once; a target that is missed is a finding. */
export async function redisCommand(command: BenchCommand, terminal: Terminal): Promise<number> {
  return withSession(terminal.say, async (session) => {
    const [orders] = command.orders as [number]
    const { rounds, connections } = command
    const [result] = await terminal.reporter.tasks([
      {
        title: 'realtime-redis: changes per second against a bare loop, and its state',
        run: (progress) => benchRedis({ session, orders, rounds, connections, progress }),
        done: ({ ratio }: RedisBench) => `realtime-redis: ${ratio.toFixed(2)} of the bare loop`,
        failed: ({ valid }) => !valid,
      },
    ])
    const { tables, ratio, stateRatio, stateP99Ms, bytesPerOrder, valid } = result!
    for (const table of tables) terminal.table(table)
    terminal.print(`ratio ${ratio.toFixed(2)}, target ${TARGET}`)
    terminal.print(
      `state of ${orders} orders: p99 ${stateP99Ms.toFixed(2)} ms, target ${STATE_P99_MS}; ${stateRatio.toFixed(2)} of an empty store's, target ${STATE_TARGET}`,
    )
    terminal.print(`memory: ${Math.round(bytesPerOrder)} bytes an order, its events included`)
    if (!valid) terminal.print('INVALID  a change failed, or the stream has not every change once')
    return valid ? 0 : 1
  })
}
