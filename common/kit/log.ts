import pino, { type DestinationStream, type Logger } from 'pino'
import { loggedError } from './log-error.ts'

export type { Logger }

/**
 * JSON lines on stdout. Lines are buffered and written asynchronously, and flushed when the process exits: a SIGKILL can
 * lose the last few lines of the log, never an order.
 */
export function createLog(service: string, level: string, destination = stdout()): Logger {
  return pino({ level, base: { service }, serializers: { err: (err) => loggedError(err) } }, destination)
}

const stdout = (): DestinationStream =>
  pino.destination({ dest: 1, sync: false, minLength: 4_096, periodicFlush: 100 })
