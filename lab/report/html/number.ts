/** A figure for people: whole numbers in full, others with four significant digits, thousands grouped. */
export function formatNumber(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e15 || (size > 0 && size < 1e-6)) return value.toExponential(3)
  return (Number.isInteger(value) || size >= 10_000 ? WHOLE : SIGNIFICANT).format(value)
}

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const SIGNIFICANT = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 })

/** `1 order`, `2 orders`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${formatNumber(count)} ${count === 1 ? one : many}`
