import { distance } from 'fastest-levenshtein'

/** The known word that was probably meant: a slip of a few letters, or a part of the word. Undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const slips = (name: string) => distance(bare(word), bare(name))
  const near = known.filter((name) => slips(name) <= Math.ceil(ownPart(bare(word), bare(name)) * 0.4))
  const [closest] = near.sort((a, b) => slips(a) - slips(b))
  if (closest !== undefined || bare(word).length < 3) return closest
  const begun = known.filter((name) => bare(name).startsWith(bare(word)))
  const holding = begun.length > 0 ? begun : known.filter((name) => bare(name).includes(bare(word)))
  return holding.length === 1 ? holding[0] : undefined
}

/** ` Did you mean 'x'?`, or nothing where no known word is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  return near === undefined ? '' : ` Did you mean '${near}'?`
}

/** What a pattern fits, as a whole: `*` stands for anything, all else for itself. */
export function patternOf(text: string, flags = ''): RegExp {
  const literal = text.split('*').map((one) => one.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${literal.join('.*')}$`, flags)
}

/** Letters of `part/word` that are not a part's name which both have: a slip there is one of a short word. */
function ownPart(word: string, name: string): number {
  const part = word.slice(0, word.lastIndexOf('/') + 1)
  return name.startsWith(part) ? word.length - part.length : word.length
}

const bare = (name: string) => name.toLowerCase().replace(/^-+/, '')
