import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { findCompose } from '@lab/stack/compose/cli.ts'
import { parts } from '../parts.ts'
import { common, createProgram, oneOf, runProgram } from './lab/command-line.ts'

const names = parts.map(({ name }) => name)

const program = createProgram('test:compose')
  .description(
    "Brings a part's docker-compose.yml up, waits until it is healthy, runs the part's experiments against it in the quick profile, or orders and gets its food, and takes it down with its volumes. Each stack is a project of its own on free ports, so one that is up already is left alone. Logs of a failure are kept under results/compose/.",
  )
  .argument('[part...]', 'all with such a test when none is named', (name: string, before: string[] = []) => [
    ...before,
    oneOf('part', name, names),
  ])
  .addOption(common.verbose)
  .addHelpText(
    'after',
    '\nExit code 0 when every check holds, 1 when one does not, 2 when no Docker engine answers or the part is unknown.',
  )
  .action(async (chosen: string[]) => {
    await findCompose(process.env)
    process.exitCode = await vitest(chosen.map((part) => `${part}/tests/`))
  })

await runProgram('test:compose', program)

/** Ctrl-C reaches vitest by itself, which takes its containers down; this process only waits for it. */
async function vitest(filters: string[]): Promise<number> {
  process.on('SIGINT', () => {})
  const config = ['--configLoader', 'native', '--config', 'vitest.long.ts', '--project', 'compose']
  const args = ['node_modules/vitest/vitest.mjs', 'run', ...config, ...filters]
  const child = spawn(process.execPath, args, { stdio: 'inherit' })
  const [code] = await once(child, 'close')
  return code ?? 1
}
