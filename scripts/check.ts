import './require-node.mjs'
import { parseArgs } from 'node:util'
import { didYouMean } from '@lab/lab/near.ts'
import { checks } from './check/registry.ts'
import { runChecks } from './check/run.ts'

const root = new URL('..', import.meta.url).pathname
const names = checks.map((check) => check.name)

const help = `Usage: npm run check -- [name…] [--write]

Checks the repository; without a name, everything.

${checks.map((check) => `  ${check.name.padEnd(14)}${check.about}`).join('\n')}

  --write       regenerate what can be generated (config-pages, asyncapi), then check
  --help        this text

Exit code 0 when every check holds, 1 when one fails, 2 when the command line is wrong.
`

function refuse(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

function readCommandLine() {
  const options = { help: { type: 'boolean' }, write: { type: 'boolean' } } as const
  try {
    return parseArgs({ options, allowPositionals: true })
  } catch (err) {
    return refuse(`${(err as Error).message}\n\n${help}`)
  }
}

const { values, positionals } = readCommandLine()
if (values.help) {
  process.stdout.write(help)
  process.exit(0)
}

const unknown = positionals.find((name) => !names.includes(name))
if (unknown) refuse(`There is no check '${unknown}'.${didYouMean(unknown, names)} Known: ${names.join(', ')}`)

const chosen = positionals.length === 0 ? checks : checks.filter((check) => positionals.includes(check.name))
const clean = await runChecks(root, chosen, { write: values.write ?? false })
process.exit(clean ? 0 : 1)
