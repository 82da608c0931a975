import { z } from 'zod'

const MAX = 99_999.99

/** Money as it is on the wire: a number with at most two decimals. Inside it is cents, in integers. */
export const Price = z
  .number()
  .min(0)
  .max(MAX)
  .refine((price) => fromCents(toCents(price)) === price, 'must have at most two decimals')

export const toCents = (price: number): number => Math.round(price * 100)
export const fromCents = (cents: number): number => cents / 100
