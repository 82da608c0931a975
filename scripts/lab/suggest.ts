import { closest } from 'fastest-levenshtein'

/** The command line was wrong. The message says what is known instead. */
export class UsageError extends Error {}

/** `word` itself when it is one of `known`; otherwise an error that suggests the nearest. */
export function oneOf<Known extends string>(what: string, word: string, known: readonly Known[]): Known {
  const found = known.find((name) => name === word)
  if (found !== undefined) return found
  throw new UsageError(
    `There is no ${what} '${word}'. Did you mean '${closest(word, known)}'? Known: ${known.join(', ')}`,
  )
}
