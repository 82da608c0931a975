import { didYouMean, patternOf } from '@lab/lab/near.ts'

/** The command line was wrong. The message says what is known instead. */
export class UsageError extends Error {}

/** `word` itself when it is one of `known`; otherwise an error that suggests the nearest, if one is near. */
export function oneOf<Known extends string>(what: string, word: string, known: readonly Known[]): Known {
  const found = known.find((name) => name === word)
  if (found !== undefined) return found
  throw new UsageError(`There is no ${what} '${word}'.${didYouMean(word, known)} Known: ${known.join(', ')}`)
}

/** Those whose names a word stands for: `rest` is the beginning `rest-`; `*` stands for anything. */
export function likeWord<Named extends { name: string }>(word: string, all: readonly Named[]): Named[] {
  const pattern = patternOf(word.includes('*') ? word : `${word}-*`)
  return all.filter(({ name }) => pattern.test(name))
}
