import type { Mutation } from '@lab/lab/prove/mutation.ts'
import { mutations } from '@lab/lab/prove/mutations/index.ts'
import { readOptions } from './options.ts'
import { likeWord, oneOf, UsageError } from './suggest.ts'

export interface ProveCommand {
  kind: 'prove'
  mutations: Mutation[]
  /** Names them and does nothing. */
  list: boolean
  json: boolean
}

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  verbose: { type: 'boolean' },
  only: { type: 'string', multiple: true },
  list: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const

/** What `npm run lab -- prove <args>` asks for; undefined for its help. */
export function readProve(args: string[]): (ProveCommand & { verbose: boolean }) | undefined {
  const { values, positionals } = readOptions('prove', args, OPTIONS)
  if (values.help) return undefined
  if (positionals.length > 0)
    throw new UsageError(`prove takes no names, but '${positionals[0]}' was given (see --only)`)
  const { only, list, json, verbose = false } = values
  const chosen = new Set(only?.flatMap(standFor) ?? mutations)
  return { kind: 'prove', mutations: mutations.filter((one) => chosen.has(one)), list, json, verbose }
}

/** A name, the beginning of several (`rabbit` stands for `rabbit-…`), or a pattern with `*`. */
function standFor(word: string): Mutation[] {
  const alike = likeWord(word, mutations)
  const found = mutations.filter((one) => one.name === word || alike.includes(one))
  if (found.length > 0) return found
  const names = mutations.map(({ name }) => name)
  oneOf('mutation', word, names)
  return []
}
