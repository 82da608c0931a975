import { livePage, parts } from '../../parts.ts'
import type { PartCommandLine } from './command-line.ts'
import { watchSignals } from './interrupt.ts'
import type { Terminal } from './terminal.ts'

/** Runs a sub-command of a part, or names them all. */
export async function partCommand(
  { part, command, args }: PartCommandLine,
  { print, say }: Terminal,
): Promise<number> {
  const { word, list } = [...parts, livePage].find(({ name }) => name === part)!.commands!
  if (command === undefined) {
    const lines = Object.entries(list).map(([name, { about }]) => `  ${name.padEnd(12)}${about}`)
    print(
      [`Usage: npm run lab -- ${word} <command> [options]`, '', ...lines, '', 'Each answers --help.'].join(
        '\n',
      ),
    )
    return 0
  }
  const { signal } = watchSignals({ say })
  const { run } = await list[command]!.load()
  return run(args, { env: process.env, signal, print, say })
}
