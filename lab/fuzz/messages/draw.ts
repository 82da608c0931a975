import type fc from 'fast-check'
import type { FuzzOptions } from '../http/fuzz-route.ts'
import { sampleCase } from '../sample.ts'
import type { MessageCase } from './case.ts'

/** The header that every message carries: the number of its case. */
export const CASE = 'fuzz-case'

export interface Numbered {
  at: number
  message: MessageCase
}

const CHUNK = 250

/** The messages of a target, in chunks: a whole run of them need not be in memory twice. */
export function* drawMessages(
  target: string,
  messages: fc.Arbitrary<MessageCase>,
  options: FuzzOptions,
): Generator<Numbered[]> {
  const { seed, cases, only } = options
  if (only !== undefined) {
    yield [{ at: only, message: sampleCase(messages, { seed, target, at: only }) }]
    return
  }
  for (let from = 0; from < cases; from += CHUNK)
    yield Array.from({ length: Math.min(CHUNK, cases - from) }, (_, index) => {
      const at = from + index
      return { at, message: sampleCase(messages, { seed, target, at }) }
    })
}
