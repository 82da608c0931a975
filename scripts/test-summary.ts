import './require-node.mjs'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lastLine, summarise } from './ci/summary.ts'

const help = `Usage: npm run test-summary

Reads the report of the last \`npm test\` (.vitest/json/output.json) and prints what it proves; the last line is
\`N passed, N failed\`. Exit code 1 when something failed, when nothing ran, or when a broker's test was skipped.
`

if (process.argv.includes('--help')) {
  process.stdout.write(help)
  process.exit(0)
}

const root = new URL('..', import.meta.url).pathname
const file = join(root, '.vitest/json/output.json')
const summary = existsSync(file)
  ? summarise(JSON.parse(readFileSync(file, 'utf8')), root)
  : { passed: 0, failed: 0, skipped: 0, problems: [`vitest wrote no report (${file})`] }

for (const problem of summary.problems) process.stdout.write(`${problem}\n`)
process.stdout.write(`${lastLine(summary)}\n`)
process.exit(summary.failed === 0 && summary.problems.length === 0 ? 0 : 1)
