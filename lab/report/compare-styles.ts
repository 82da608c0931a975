import type { Table } from '../experiments/experiment.ts'
import { TRIOS, trios } from '../trio.ts'
import type { Results } from './results.ts'
import { type Cell, rows } from './style-cells.ts'

const NOT_ASKED = '–'
const UNREADABLE = 'see its table'

/**
 * The three styles beside each other, in the figures of this run. Only experiments that held speak here: a figure of a
 * broken one compares nothing. Undefined when fewer than two styles have something to say.
 */
export function compareStyles({ experiments }: Results): Table | undefined {
  const held = new Map(
    experiments.filter(({ verdict }) => verdict === 'holds').map((record) => [record.name, record]),
  )
  const say = (cell: Cell | undefined) => {
    const record = cell && held.get(cell.experiment)
    if (!cell || !record) return NOT_ASKED
    return cell.say(record.data) ?? UNREADABLE
  }
  const names = TRIOS
  const body = rows.map(({ question, cells }) => [question, ...names.map((name) => say(cells[name]))])
  const speaking = names.filter((_, at) => body.some((row) => row[at + 1] !== NOT_ASKED))
  if (speaking.length < 2) return undefined
  return {
    title: 'The three styles, in the figures of this run',
    columns: ['', ...trios.map(({ style }) => style)],
    rows: body.filter((row) => row.slice(1).some((text) => text !== NOT_ASKED)),
  }
}
