import './require-node.mjs'
import { resolve } from 'node:path'
import { DEFAULT_RESULTS, refuseUnwritable } from '@lab/lab/run/folder.ts'
import { BENCH_HELP, readBenchCommand } from './lab/bench-command-line.ts'
import { runScript } from './lab/exit.ts'
import { openTerminal } from './lab/terminal.ts'

await runScript({ name: 'bench' }, readBenchCommand, async (command) => {
  const terminal = openTerminal(command)
  if (command.kind !== 'help') {
    await refuseUnwritable(command.out === undefined ? DEFAULT_RESULTS : resolve(command.out))
  }
  if (command.kind === 'fuzz') return (await import('./lab/fuzz.ts')).fuzzCommand(command, terminal)
  if (command.kind !== 'help') {
    return (await import('./lab/bench.ts')).benchCommand(command.kind, command, terminal)
  }
  terminal.print(BENCH_HELP.trimEnd())
  return 0
})
