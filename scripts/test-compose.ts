import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { ComposeError, findCompose } from '@lab/stack/compose/cli.ts'
import { PART_NAMES } from './lab/command-line.ts'
import { oneOf, UsageError } from './lab/suggest.ts'

const HELP = `Usage: npm run test:compose [-- <part>]

Brings a part's docker-compose.yml up, waits until it is healthy, runs the part's experiments against it in the quick
profile, or orders and gets its food, and takes it down with its volumes; all parts with such a test when none is named.
Each stack is a project of its own on free ports, so one that is up already is left alone. Logs of a failure are kept under
results/compose/.

Exit code 0 when every check holds, 1 when one does not, 2 when no Docker engine answers or the part is unknown.
`

process.exit(await main(process.argv.slice(2)))

async function main(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h' } },
    })
    if (values.help) {
      process.stdout.write(HELP)
      return 0
    }
    const parts = positionals.map((name) => oneOf('part', name, PART_NAMES))
    await findCompose(process.env)
    return await vitest(parts.map((part) => `${part}/tests/`))
  } catch (err) {
    if (!(err instanceof ComposeError || err instanceof UsageError || err instanceof TypeError)) throw err
    process.stderr.write(`${err.message}\n`)
    return 2
  }
}

/** Ctrl-C reaches vitest by itself, which takes its containers down; this process only waits for it. */
async function vitest(filters: string[]): Promise<number> {
  process.on('SIGINT', () => {})
  const config = ['--configLoader', 'native', '--config', 'vitest.long.ts', '--project', 'compose']
  const args = ['node_modules/vitest/vitest.mjs', 'run', ...config, ...filters]
  const child = spawn(process.execPath, args, { stdio: 'inherit' })
  const [code] = await once(child, 'close')
  return code ?? 1
}
