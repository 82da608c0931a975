import { batched } from '@lab/kit/batch.ts'
import { messageOf } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { reachStep } from '@lab/kit/steps.ts'
import type { Offset } from '../broker/consumer.ts'
import { isFenced } from '../broker/failures.ts'
import { toMessage } from '../broker/records.ts'
import { DEAD_LETTERS, INVENTORY_EVENTS, ORDER_EVENTS } from '../broker/topics.ts'
import { applyDraft, type Draft, draftDecisions, type OrderRecord } from './on-order-placed.ts'
import type { Owner, Ownership } from './ownership.ts'
import { ownerNote } from './rebuild.ts'

const PARTITIONS = 3
const LOGGED_ONE_BY_ONE = 20

/** A run of records of one partition, and the offset the group has read once they are decided. */
export interface Run {
  records: OrderRecord[]
  next: Offset
}

/** `fenced`: a newer owner exists. `unknown`: the log may or may not have the decisions. Both times the state is gone. */
export type Written = 'written' | 'fenced' | 'unknown' | 'not owner'

export interface DecideDeps {
  ownership: Pick<Ownership, 'current' | 'release' | 'giveUp'>
  metrics: Metrics
  log: Logger
  now?: () => number
}

/**
 * Decides runs of records: the decisions, the dead letters and the group's offsets become one transaction, and only when the
 * log has it the state moves. Runs of several partitions that wait at the same time share a transaction. Never rejects.
 */
export function createDecideOrders({ ownership, metrics, log, now = Date.now }: DecideDeps) {
  const decideRuns = async (runs: Run[]): Promise<Written[]> => {
    const result = await decideTogether(runs)
    return runs.map(() => result)
  }

  const decideTogether = async (runs: Run[]): Promise<Written> => {
    const owner = ownership.current()
    if (!owner) return 'not owner'
    const startedAt = performance.now()
    const draft = draftDecisions(
      owner.state,
      runs.flatMap(({ records }) => records),
      now(),
    )
    reachStep('kafka.decisions-drafted')
    try {
      await write(
        owner,
        draft,
        runs.map(({ next }) => next),
      )
    } catch (err) {
      log.warn({ err, decisions: draft.events.length }, 'decisions not acknowledged')
      if (isFenced(err)) {
        ownership.giveUp('another owner took over')
        return 'fenced'
      }
      // The log may hold these decisions or not: memory must not guess. It is read again before the next decision.
      ownership.release(messageOf(err))
      return 'unknown'
    }
    reachStep('kafka.transaction-committed')
    applyDraft(owner.state, draft)
    for (const { next } of runs) owner.state.readTo.set(next)
    report(draft, (performance.now() - startedAt) / 1_000)
    return 'written'
  }

  const report = ({ events, deadLetters, outcomes }: Draft, seconds: number) => {
    metrics.messagesConsumed(ORDER_EVENTS, outcomes, seconds)
    metrics.messagesPublished(INVENTORY_EVENTS, events.length)
    const reserved = events.filter(({ type }) => type === 'InventoryReserved').length
    metrics.orderReached('reserved', reserved)
    metrics.orderReached('failed', events.length - reserved)
    for (const { origin, reason } of deadLetters)
      log.warn({ ...origin, reason, outcome: 'dead-letter' }, 'dead-lettered')
    const isBulk = events.length > LOGGED_ONE_BY_ONE
    if (isBulk)
      log.info(
        { reserved, failed: events.length - reserved, ms: Math.round(seconds * 1_000) },
        'orders decided',
      )
    if (isBulk && !log.isLevelEnabled('debug')) return
    for (const { id, type, data } of events)
      log[isBulk ? 'debug' : 'info'](
        { order_id: data.order_id, message_id: id },
        type === 'InventoryReserved' ? 'stock reserved' : 'stock refused',
      )
  }

  return batched(decideRuns, { maxBatch: PARTITIONS })
}

const write = ({ writer, state }: Owner, draft: Draft, offsets: Offset[]) =>
  writer.write({
    records: [
      ...draft.events.map((event) => ({ topic: INVENTORY_EVENTS, message: toMessage(event) })),
      ...draft.deadLetters.map(({ message }) => ({ topic: DEAD_LETTERS, message })),
    ],
    offsets: offsets.map((offset) => ({ ...offset, note: ownerNote(state, offset.offset) })),
  })
