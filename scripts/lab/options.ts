import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { didYouMean } from '@lab/lab/near.ts'
import { UsageError } from './suggest.ts'

/**
 * `parseArgs`, strict, in words of its own: an unknown option is named and the nearest known one suggested. `of` names
 * the command in the message.
 */
export function readOptions<const Options extends ParseArgsOptionsConfig>(
  of: string,
  args: string[],
  options: Options,
) {
  refuseUnknown(of, args, options)
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (err) {
    // Its first sentence says which option lacks its value, or has one it does not take.
    throw new UsageError(`${of}: ${(err as Error).message.split('\n')[0]}`)
  }
}

function refuseUnknown(of: string, args: string[], options: ParseArgsOptionsConfig): void {
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true })
  const known = Object.keys(options).map((name) => `--${name}`)
  for (const token of tokens) {
    if (token.kind !== 'option' || options[token.name]) continue
    throw new UsageError(
      `${of} has no option '${token.rawName}'.${didYouMean(token.rawName, known)} Known: ${known.join(', ')}`,
    )
  }
}
