import { randomInt } from 'node:crypto'

/** A frozen broker is noticed after one and a half of this. */
export const KEEPALIVE_SECONDS = 5

/** How long to wait before the n-th attempt in a row, milliseconds: doubled up to 5 s, and half of it chance. */
export function backoffMs(attempt: number): number {
  const top = Math.min(5_000, 200 * 2 ** attempt)
  return randomInt(top / 2, top + 1)
}
