/**
 * The one format of figures, in tables, charts and sentences: whole numbers in full; others with two decimals below ten,
 * one below a hundred and none above; thousands grouped. Below 0.1 two digits that are not zero remain.
 */
export function formatNumber(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e15 || (size > 0 && size < 1e-6)) return value.toExponential(2)
  if (Number.isInteger(value)) return WHOLE.format(value)
  return size < 0.1 ? TWO_DIGITS.format(value) : measured(value)
}

/** The same for what was measured more finely than its unit: a whole number keeps its decimals, so that columns line up. */
export function measured(value: number): string {
  const size = Math.abs(value)
  if (size < 9.995) return DECIMALS[2].format(value)
  return (size < 99.95 ? DECIMALS[1] : WHOLE).format(value)
}

const withDecimals = (decimals: number) =>
  new Intl.NumberFormat('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
const WHOLE = withDecimals(0)
const DECIMALS = { 1: withDecimals(1), 2: withDecimals(2) } as const
const TWO_DIGITS = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 2 })

/** A cell of a table: its numbers in the one format, its text as it is. */
export const cellText = (cell: string | number | undefined): string =>
  typeof cell === 'number' ? formatNumber(cell) : (cell ?? '')

/** `1,146/s` */
export const perSecond = (rate: number): string => `${formatNumber(Math.round(rate))}/s`

/** `1 order`, `2 orders`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${formatNumber(count)} ${count === 1 ? one : many}`
