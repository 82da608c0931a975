import pino, { type DestinationStream, type Logger } from 'pino'
import { loggedError } from './log-error.ts'

export type { Logger }

/**
 * JSON lines on stdout. Lines are buffered and written asynchronously, and flushed when the process exits: a SIGKILL can
 * lose the lines of the last 100 ms, never an order.
 */
export function createLog(service: string, level: string, destination = stdout()): Logger {
  return pino({ level, base: { service }, serializers: { err: (err) => loggedError(err) } }, destination)
}

/** Written when this much has come together, or 100 ms after the last time: every write wakes another thread. */
const BUFFER_BYTES = 12 * 1024

const stdout = (): DestinationStream =>
  pino.destination({ dest: 1, sync: false, minLength: BUFFER_BYTES, periodicFlush: 100 })
