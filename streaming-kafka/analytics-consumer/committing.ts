import type { Logger } from '@lab/kit/log.ts'
import { reachStep } from '@lab/kit/steps.ts'
import type { LogReader } from '../broker/log-reader.ts'
import { Positions } from '../broker/positions.ts'

const EVERY_MS = 250

/**
 * Commits where the reader is, four times a second when it has moved. Nothing depends on it but what the broker says about
 * the lag: the state follows from the log, not from the committed offsets. A failed commit is repeated with the next.
 */
export function keepCommitting(
  reader: LogReader,
  log: Logger,
): { flush: () => Promise<void>; stop: () => void } {
  const committed = new Positions()
  let running: Promise<void> | undefined

  const commit = async () => {
    const moved = reader
      .positions()
      .filter(({ topic, partition, offset }) => committed.get(topic, partition) !== offset)
    if (moved.length === 0 || reader.status() !== 'ok') return
    try {
      reachStep('kafka.events-counted')
      await reader.commit(moved)
      for (const offset of moved) committed.set(offset)
    } catch (err) {
      log.debug({ err }, 'offsets not committed')
    }
  }
  const flush = () => {
    running ??= commit().finally(() => {
      running = undefined
    })
    return running
  }
  const timer = setInterval(flush, EVERY_MS)
  return { flush, stop: () => clearInterval(timer) }
}
