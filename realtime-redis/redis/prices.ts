/** Whole hundredths of a number that is written with two decimals; undefined when it has more. */
export function hundredths(amount: number): number | undefined {
  const whole = Math.round(amount * 100)
  return Math.abs(whole / 100 - amount) < 1e-9 ? whole : undefined
}

/** What the customer pays, in cents: the price with its markup, rounded half up. Both in whole hundredths, so nothing is lost before. */
export const customerCents = (supplierCents: number, markup: number): number =>
  Math.floor((supplierCents * (10_000 + markup) + 5_000) / 10_000)
