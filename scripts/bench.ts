import './require-node.mjs'
import { BENCH_HELP, readBenchCommand } from './lab/bench-command-line.ts'
import { runScript } from './lab/exit.ts'
import { openTerminal } from './lab/terminal.ts'

await runScript('bench', readBenchCommand, async (command) => {
  const terminal = openTerminal(command)
  if (command.kind === 'throughput') {
    return (await import('./lab/bench.ts')).throughputCommand(command, terminal)
  }
  if (command.kind === 'ceilings') {
    return (await import('./lab/ceilings.ts')).ceilingsCommand(command, terminal)
  }
  if (command.kind === 'fuzz') return (await import('./lab/fuzz.ts')).fuzzCommand(command, terminal)
  terminal.print(BENCH_HELP.trimEnd())
  return 0
})
