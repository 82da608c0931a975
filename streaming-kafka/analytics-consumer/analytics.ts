import type { LabError } from '@lab/kit/errors.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { type Outcome, retry } from '@lab/kit/outcome.ts'
import type { LogAdmin } from '../broker/admin.ts'
import type { Batch } from '../broker/batch.ts'
import type { KafkaSettings } from '../broker/client.ts'
import type { Offset } from '../broker/consumer.ts'
import { holdFaults } from '../broker/hold-faults.ts'
import { openLogReader, type Progress } from '../broker/log-reader.ts'
import type { LogMessage } from '../broker/records.ts'
import { ANALYTICS_GROUP, INVENTORY_EVENTS, ORDER_EVENTS } from '../broker/topics.ts'
import { keepCommitting } from './committing.ts'
import type { ConsumerFaults } from './faults.ts'
import { onEvent } from './on-event.ts'
import type { Poison } from './poison.ts'
import type { Projection } from './projection.ts'

export const SOURCE = 'analytics-consumer'

export interface AnalyticsDeps {
  admin: LogAdmin
  projection: Projection
  poison: Poison
  faults: ConsumerFaults
  metrics: Metrics
}

export interface Analytics {
  status: () => string
  progress: () => Progress
  /** Where each partition goes on; what is before it is counted. */
  positions: () => Offset[]
  /** Clears everything and reads both topics again; answers where it starts. Rejects when the broker is away. */
  reset: () => Promise<Offset[]>
  close: () => Promise<void>
}

/**
 * Follows both topics in `analytics-group`, independently of the inventory. Its state is in memory and follows from the
 * log, so it reads from the beginning at every start; what it commits says how far that is.
 */
export function openAnalytics(settings: KafkaSettings, deps: AnalyticsDeps): Analytics {
  const { admin, projection, poison, faults, metrics } = deps

  const onFault = (topic: string) => (err: LabError, attempt: number) => {
    metrics.messagesConsumed(topic, [retry(err.code)], 0)
    if (attempt === 0)
      settings.log.warn({ code: err.code, outcome: 'retry' }, 'record fails, retried in place')
  }

  /** What is counted so far is told before anything is awaited: a reset in between must find a clean edge. */
  const onBatch = async (batch: Batch, advance: (count: number) => void) => {
    const startedAt = performance.now()
    const outcomes: Outcome[] = []
    await countAll(batch, advance, outcomes)
    metrics.messagesConsumed(batch.topic, outcomes, (performance.now() - startedAt) / 1_000)
  }

  const countAll = async (batch: Batch, advance: (count: number) => void, outcomes: Outcome[]) => {
    const { topic, messages } = batch
    // A reset may have come while this batch was waiting for its turn.
    if (!batch.isCurrent) return
    for (let i = 0; i < messages.length; i++) {
      const message = messages[i] as LogMessage
      if (faults.isSlow) {
        advance(i)
        if (!(await batch.hold(faults.throttle.apply()))) return
        if (!(await holdFaults(batch, faults, onFault(topic)))) return
      }
      const outcome = onEvent(topic, message, projection)
      if (outcome.kind === 'dead-letter') {
        advance(i)
        if (!(await poison.settle(batch, message, outcome.reason))) return
      }
      outcomes.push(outcome)
    }
    advance(messages.length)
  }

  const reader = openLogReader(settings, {
    admin,
    groupId: ANALYTICS_GROUP,
    topics: [ORDER_EVENTS, INVENTORY_EVENTS],
    prepare: poison.readLedger,
    onBatch,
  })
  const commits = keepCommitting(reader, settings.log)

  return {
    status: () => reader.status(),
    progress: () => reader.progress(),
    positions: () => reader.positions(),
    reset: async () => {
      const from = await reader.restart(() => {
        projection.clear()
        poison.clear()
      })
      settings.log.info({ from }, 'reading again from the beginning')
      await commits.flush()
      return from
    },
    close: async () => {
      commits.stop()
      await commits.flush()
      await reader.close()
    },
  }
}
