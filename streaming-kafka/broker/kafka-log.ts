import type { Logger } from '@lab/kit/log.ts'
import type { LogEntry } from 'kafkajs'
import { logLevel } from './kafkajs.ts'

/**
 * kafkajs logs at ERROR what it then retries by itself: a coordinator that is still starting, a rebalance, a
 * transaction whose predecessor is still being written. That is how the protocol works, not news.
 */
const ROUTINE =
  /coordinator is not available|coordinator is loading|rebalanc|re-join|leaderless|leader|does not host|concurrent|not aware of this member|Offset out of range|Crash:/i

const REPEAT_MS = 10_000
const MAX_REMEMBERED = 100

/**
 * Routes the library's log to the service's. Nothing from the library is an error of the service: its callers decide what
 * a failure means and log that. The same warning is written once in ten seconds, so an outage does not fill the log.
 */
export function kafkaLog(log: Logger, now: () => number = Date.now) {
  const lastAt = new Map<string, number>()

  const isRepeated = (text: string) => {
    const before = lastAt.get(text)
    if (before !== undefined && now() - before < REPEAT_MS) return true
    if (lastAt.size >= MAX_REMEMBERED) lastAt.clear()
    lastAt.set(text, now())
    return false
  }

  return () =>
    ({
      namespace,
      level,
      log: { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...rest },
    }: LogEntry) => {
      const fields = { kafkajs: namespace, ...rest }
      if (level > logLevel.WARN) return log.debug(fields, message)
      const text = `${message} ${rest.error ?? ''}`
      if (ROUTINE.test(text) || isRepeated(text)) return log.debug(fields, message)
      log.warn(fields, message)
    }
}
