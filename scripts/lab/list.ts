import { experiments } from '@lab/lab/experiments/index.ts'
import type { Terminal } from './terminal.ts'

export async function listCommand({ json }: { json: boolean }, terminal: Terminal): Promise<number> {
  const rows = experiments.map(({ name, part, question, profiles }) => ({ name, part, question, profiles }))
  if (json) {
    terminal.document(`${JSON.stringify(rows, null, 2)}\n`)
    return 0
  }
  terminal.table({
    title: 'Experiments (npm run lab -- run <experiment…>)',
    columns: ['experiment', 'part', 'question'],
    rows: rows.map(({ name, part, question }) => [name, part, question]),
  })
  return 0
}
