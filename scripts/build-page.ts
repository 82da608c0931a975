import './require-node.mjs'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildPage } from '@lab/stack/pages.ts'

const help = `Usage: npm run build-page -- <folder> [--out <folder>]

Builds a page of this repository, compressed and ready to be served, unless its sources have been built before.
Prints the folder with the built page.

  --out <folder>   copy the build there; what was in that folder is removed
  --help           this text

Exit code 0 when the page is built, 1 when it cannot be, 2 when the command line is wrong.
`

function readCommandLine() {
  const options = { help: { type: 'boolean' }, out: { type: 'string' } } as const
  try {
    return parseArgs({ options, allowPositionals: true })
  } catch (err) {
    process.stderr.write(`${(err as Error).message}\n\n${help}`)
    process.exit(2)
  }
}

const { values, positionals } = readCommandLine()
if (values.help) {
  process.stdout.write(help)
  process.exit(0)
}
const folder = resolve(positionals[0] ?? '')
if (positionals.length !== 1 || !existsSync(join(folder, 'index.html'))) {
  process.stderr.write(`${positionals[0] ?? 'no folder'}: name one folder with an index.html\n\n${help}`)
  process.exit(2)
}

try {
  const built = await buildPage(folder, { progress: (text) => process.stderr.write(`${text}\n`) })
  const out = values.out === undefined ? built : resolve(values.out)
  if (out !== built) {
    rmSync(out, { recursive: true, force: true })
    cpSync(built, out, { recursive: true })
  }
  process.stdout.write(`${out}\n`)
} catch (err) {
  process.stderr.write(`${(err as Error).message}\n`)
  process.exit(1)
}
