import { type Action, actions } from '@lab/stack/control/protocol.ts'
import { readOptions } from './options.ts'
import { UsageError } from './suggest.ts'

export interface ControlCommand {
  kind: 'control'
  /** `ps` asks what runs. */
  action: Action | 'ps'
  /** `<part>/<service or server>`; undefined for `ps`. */
  name: string | undefined
  /** The run, where several are up. */
  run: string | undefined
  json: boolean
}

export const CONTROL_WORDS = [...actions, 'ps'] as const

const options = {
  help: { type: 'boolean', short: 'h' },
  verbose: { type: 'boolean' },
  json: { type: 'boolean' },
  run: { type: 'string' },
} as const

/** Undefined when help was asked for. */
export function readControl(
  action: ControlCommand['action'],
  args: string[],
): (ControlCommand & { verbose: boolean }) | undefined {
  const { values, positionals } = readOptions(action, args, options)
  const { help, run, json = false, verbose = false } = values
  if (help) return undefined
  const wanted = action === 'ps' ? 0 : 1
  if (positionals.length !== wanted) {
    const takes = wanted === 0 ? 'no names' : 'one <part>/<service or server>; `npm run lab -- ps` names them'
    throw new UsageError(`${action} takes ${takes}, and ${positionals.length} were given`)
  }
  return { kind: 'control', action, name: positionals[0], run, json, verbose }
}
