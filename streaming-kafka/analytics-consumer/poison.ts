import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '@lab/kit/errors.ts'
import { reachStep } from '@lab/kit/steps.ts'
import type { LogAdmin } from '../broker/admin.ts'
import type { LogAppender } from '../broker/appender.ts'
import type { Batch } from '../broker/batch.ts'
import type { KafkaSettings } from '../broker/client.ts'
import { DeadLetterLedger, toDeadLetter } from '../broker/dead-letters.ts'
import type { LogMessage } from '../broker/records.ts'
import { readToEnd } from '../broker/replay.ts'
import { DEAD_LETTERS, ORDER_EVENTS } from '../broker/topics.ts'

const RETRY_MS = 500

export interface PoisonDeps {
  admin: LogAdmin
  /** Appends to the dead-letter topic. */
  deadLetters: Pick<LogAppender, 'append'>
}

/**
 * Deals with records that are no events. Those of `order-events` are skipped, because the inventory dead-letters them.
 * Those of `inventory-events` are dead-lettered here: once, though every start and every reset reads them again, because
 * the dead-letter topic itself says which ones it has. (A crash between the append and its acknowledgement can leave two.)
 */
export function createPoison(settings: KafkaSettings, { admin, deadLetters }: PoisonDeps) {
  const { log } = settings
  let ledger = new DeadLetterLedger()
  const counts = { skipped: 0, dead_lettered: 0 }

  const append = async (
    message: LogMessage,
    origin: { topic: string; partition: number; offset: number },
    reason: string,
  ) => {
    for (;;) {
      try {
        await deadLetters.append([toDeadLetter(message, origin, reason)])
        reachStep('kafka.dead-letter-appended')
        ledger.add(origin)
        return log.warn({ ...origin, reason, outcome: 'dead-letter' }, 'dead-lettered')
      } catch (err) {
        log.warn({ ...origin, reason: messageOf(err) }, 'dead letter not acknowledged, trying again')
        await sleep(RETRY_MS)
      }
    }
  }

  return {
    /** Records met since the beginning of this reading. */
    counts: () => ({ ...counts }),
    clear: () => {
      counts.skipped = 0
      counts.dead_lettered = 0
    },

    /** Reads which records have a dead letter already. */
    readLedger: async () => {
      const fresh = new DeadLetterLedger()
      const onMessages = (_topic: string, messages: LogMessage[]) => {
        for (const { headers } of messages) fresh.addFrom(headers)
      }
      await readToEnd(settings, { admin, topics: [DEAD_LETTERS], onMessages })
      ledger = fresh
    },

    /** Resolves when the record is dealt with; false when the batch is to be left. */
    settle: async (batch: Batch, message: LogMessage, reason: string): Promise<boolean> => {
      const { topic, partition } = batch
      if (topic === ORDER_EVENTS) {
        counts.skipped++
        return true
      }
      const origin = { topic, partition, offset: Number(message.offset) }
      if (!ledger.has(origin) && !(await batch.hold(append(message, origin, reason)))) return false
      counts.dead_lettered++
      return true
    },
  }
}

export type Poison = ReturnType<typeof createPoison>
