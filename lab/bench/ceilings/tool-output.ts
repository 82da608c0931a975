/** What one run of a tool came to. */
export interface ToolFigures {
  records: number
  perSecond: number
}

/** The number may be grouped, and in some locales has a decimal comma. */
const NUMBER = String.raw`([\d.,]+)`
const SUMMARY = new RegExp(`^(\\d+)( steady state)? records sent, ${NUMBER} records/sec`, 'gm')

/**
 * Of `ProducerPerformance`: the last summary without warm-up when it printed one, else the last of all, which is that of
 * the whole run; earlier ones are of its reporting intervals. `records` counts the whole run.
 */
export function parseProducerTool(output: string): ToolFigures {
  const summaries = [...output.matchAll(SUMMARY)]
  const steady = summaries.findLast(([, , isSteady]) => isSteady)
  const whole = summaries.findLast(([, , isSteady]) => !isSteady)
  const rate = steady ?? whole
  const perSecond = readNumber(rate?.[3] ?? '')
  if (!whole || !isFigure(perSecond)) throw unreadable('kafka-producer-perf-test', output)
  return { records: Number(whole[1]), perSecond }
}

/**
 * Of `ConsumerPerformance`: a header that names the columns, then a line of figures. The rate is the one of fetching,
 * without the time it took to join the group; times hold commas in no format the tool uses, so a comma parts columns.
 */
export function parseConsumerTool(output: string): ToolFigures {
  const rows = output.split('\n').map((line) => line.split(',').map((cell) => cell.trim()))
  const header = rows.findIndex(
    (cells) => cells.includes('fetch.nMsg.sec') || cells.includes('fetch.nRecord.sec'),
  )
  const columns = rows[header] ?? []
  const figures = rows.slice(header + 1).findLast((cells) => cells.length === columns.length)
  const cell = (...names: string[]) => figures?.[columns.findIndex((name) => names.includes(name))]
  const records = readNumber(cell('data.consumed.in.nMsg', 'data.consumed.in.nRecord') ?? '')
  const perSecond = readNumber(cell('fetch.nMsg.sec', 'fetch.nRecord.sec') ?? '')
  if (header < 0 || !isFigure(records) || !isFigure(perSecond))
    throw unreadable('kafka-consumer-perf-test', output)
  return { records, perSecond }
}

function readNumber(text: string): number {
  if (text === '') return Number.NaN
  const decimal = /[.,](\d+)$/.exec(text)
  if (!decimal) return Number(text)
  return Number(`${text.slice(0, decimal.index).replaceAll(/[.,]/g, '')}.${decimal[1]}`)
}

/** A run too short for the tool's clock prints NaN or Infinity. */
const isFigure = (figure: number) => Number.isFinite(figure) && figure > 0

const unreadable = (tool: string, output: string) =>
  new Error(
    `${tool} printed no figures that can be read. The end of what it printed:\n${output.slice(-1_000)}`,
  )
