import './require-node.mjs'
import { type Command, readCommand } from './lab/command-line.ts'
import { runScript } from './lab/exit.ts'
import { HELP } from './lab/help.ts'
import { openTerminal, type Terminal } from './lab/terminal.ts'

await runScript({ name: 'lab', topics: Object.keys(HELP) }, readCommand, (command) => {
  const terminal = openTerminal({ json: 'json' in command && command.json })
  return perform(command, terminal)
})

/** A command is loaded when it is asked for: the brokers' clients are large, and help should be there at once. */
async function perform(command: Command, terminal: Terminal): Promise<number> {
  switch (command.kind) {
    case 'run':
      return (await import('./lab/run.ts')).runCommand(command, terminal)
    case 'up':
      return (await import('./lab/up.ts')).upCommand(command, terminal)
    case 'control':
      return (await import('./lab/control.ts')).controlCommand(command, terminal)
    case 'part':
      return (await import('./lab/part-command.ts')).partCommand(command, terminal)
    case 'list':
      return (await import('./lab/list.ts')).listCommand(command, terminal)
    case 'brokers':
      return (await import('./lab/brokers.ts')).brokersCommand(command, terminal)
    case 'report':
      return (await import('./lab/report.ts')).reportCommand(command, terminal)
    case 'compare':
      return (await import('./lab/compare.ts')).compareCommand(command, terminal)
    case 'prove':
      return (await import('./lab/prove.ts')).proveCommand(command, terminal)
    case 'help':
      terminal.print(HELP[command.topic].trimEnd())
      return 0
  }
}
