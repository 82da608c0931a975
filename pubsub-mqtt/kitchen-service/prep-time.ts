import { mulberry32 } from '../mqtt/random.ts'

export interface PrepTimes {
  minMs: number
  maxMs: number
  /** The same seed draws the same times. */
  seed?: number | undefined
}

/** Draws how long an order is cooked: whole milliseconds, evenly between both ends. */
export function prepTimes({ minMs, maxMs, seed }: PrepTimes): () => number {
  const random = seed === undefined ? Math.random : mulberry32(seed)
  return () => minMs + Math.floor(random() * (maxMs - minMs + 1))
}
