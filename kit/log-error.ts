import { basename } from 'node:path'
import { scrub } from './scrub.ts'

export interface LoggedError {
  type: string
  message: string
  code?: string
  /** The first line of this repository that the error passed, e.g. `settle.ts:41`. */
  at?: string
  cause?: LoggedError
  errors?: LoggedError[]
}

const MAX_DEPTH = 5

/**
 * An error as logs show it. Only these fields: libraries put whole URLs, logins included, on the errors they throw (Node's
 * own `ERR_INVALID_URL` has its `input`), and a stack names folders of the machine.
 */
export function loggedError(err: unknown, depth = 0): LoggedError {
  if (!(err instanceof Error)) return { type: typeof err, message: scrub(String(err)) }
  const { code } = err as { code?: unknown }
  const at = ownLine(err.stack)
  const inner = (other: unknown) => loggedError(other, depth + 1)
  const isDeep = depth >= MAX_DEPTH
  return {
    type: err.name,
    message: scrub(err.message),
    ...(typeof code === 'string' && { code }),
    ...(at && { at }),
    ...(err.cause !== undefined && !isDeep && { cause: inner(err.cause) }),
    ...(err instanceof AggregateError && !isDeep && { errors: err.errors.map(inner) }),
  }
}

function ownLine(stack: string | undefined): string | undefined {
  const frame = stack
    ?.split('\n')
    .find((line) => /^\s+at /.test(line) && /\.ts:\d+/.test(line) && !line.includes('node_modules'))
  const [, file, line] = /([^\s(]+\.ts):(\d+)/.exec(frame ?? '') ?? []
  return file && `${basename(file)}:${line}`
}
