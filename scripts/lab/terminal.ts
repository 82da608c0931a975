import type { Table } from '@lab/lab/experiments/experiment.ts'
import { createReporter, type Reporter } from '@lab/lab/report/progress.ts'
import { renderTable } from '@lab/lab/report/table.ts'

/** Where the words of a command go. With `--json`, stdout holds the document and nothing else. */
export interface Terminal {
  reporter: Reporter
  /** A line of what goes on, on stderr or where lines move. */
  say: (text: string) => void
  /** Something to read, on stdout; on stderr with `--json`. */
  print: (text: string) => void
  table: (table: Table) => void
  /** The document of `--json`. */
  document: (text: string) => void
}

const WIDTH = { min: 80, max: 100 }

export function openTerminal({ json = false } = {}): Terminal {
  const out = json ? process.stderr : process.stdout
  const live = !json && process.stdout.isTTY === true && !process.env.CI
  const reporter = createReporter({ live, write: (text) => void process.stderr.write(`${text}\n`) })
  const width = Math.min(WIDTH.max, Math.max(WIDTH.min, process.stdout.columns ?? WIDTH.max))
  const print = (text: string) => void out.write(`${text}\n`)
  return {
    reporter,
    say: reporter.say,
    print,
    table: (table) => print(`${renderTable(table, { width, stream: out })}\n`),
    document: (text) => void process.stdout.write(text),
  }
}
