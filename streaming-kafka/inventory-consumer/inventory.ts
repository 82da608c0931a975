import type { Stock } from '@lab/common/domain/stock.ts'
import { LabError } from '@lab/kit/errors.ts'
import type { Faults } from '@lab/kit/faults.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { retry } from '@lab/kit/outcome.ts'
import type { Readiness } from '@lab/kit/service-routes.ts'
import type { LogAdmin } from '../broker/admin.ts'
import type { KafkaSettings } from '../broker/client.ts'
import { consumerChecks, type RunningConsumer, runConsumer } from '../broker/consumer.ts'
import { untilAnswered } from '../broker/log-reader.ts'
import { openOwnerWriter } from '../broker/owner-writer.ts'
import type { Skipped } from '../broker/session.ts'
import { INVENTORY_GROUP, ORDER_EVENTS } from '../broker/topics.ts'
import { decideBatch } from './decide-batch.ts'
import { createDecideOrders } from './decide-orders.ts'
import { Ownership } from './ownership.ts'
import { rebuildStock } from './rebuild.ts'

const OWNER = 'inventory-owner'

export interface InventoryDeps {
  admin: LogAdmin
  configured: Stock
  faults: Faults
  metrics: Metrics
}

export interface Inventory {
  /** What is left. Throws 503 while this process is not the owner. */
  stock: () => Stock
  readiness: () => Readiness
  close: () => Promise<void>
}

/** Consumes `order-events` as the owner of the stock, or stands by until the owner is gone. */
export function openInventory(settings: KafkaSettings, deps: InventoryDeps): Inventory {
  const { admin, configured, metrics } = deps
  const { log } = settings
  const stop = new AbortController()
  let consumer: RunningConsumer | undefined
  const ownership = new Ownership({
    openWriter: () => openOwnerWriter(settings, { transactionalId: OWNER, groupId: INVENTORY_GROUP }),
    rebuild: async () => {
      const state = await rebuildStock(settings, { admin, configured })
      // Before this process becomes the owner: what was fetched from behind an undecided order is left then.
      consumer?.seek(state.readTo.all())
      return state
    },
    log,
  })
  const decide = createDecideOrders({ ownership, metrics, log })
  const rejoin = (reason: string) => consumer?.restart(reason)
  const onBatch = decideBatch({
    ownership,
    decide,
    faults: deps.faults,
    onFault: (err, attempt) => {
      metrics.messagesConsumed(ORDER_EVENTS, [retry(err.code)], 0)
      if (attempt === 0) log.warn({ code: err.code, outcome: 'retry' }, 'record fails, retried in place')
    },
    rejoin,
  })
  /** Only markers and aborted records: nothing to decide, but the group has read them. */
  const onSkipped = async ({ topic, partition, from, next }: Skipped) => {
    const readTo = ownership.current()?.state.readTo.get(topic, partition)
    if (readTo !== from) return
    const written = await decide({ records: [], next: { topic, partition, offset: next } })
    if (written === 'fenced') rejoin('another owner took over')
  }

  const start = async () => {
    await untilAnswered(settings, stop.signal, admin.ensureTopics)
    consumer = runConsumer(settings, {
      groupId: INVENTORY_GROUP,
      topics: [ORDER_EVENTS],
      concurrency: 3,
      positionOf: (topic, partition) => ownership.current()?.state.readTo.get(topic, partition),
      onAssigned: (assigned) => {
        if (Object.keys(assigned).length === 0) ownership.giveUp('standing by')
        else ownership.take()
      },
      onBatch,
      onSkipped: (skipped) => void onSkipped(skipped),
    })
  }
  const started = start().catch((err) => {
    if (!stop.signal.aborted) throw err
  })

  return {
    stock: () => stockOf(ownership),
    readiness: () => ({
      ...consumerChecks(consumer?.status()),
      stock: ownership.current() ? 'ok' : `not owner: ${ownership.trouble()}`,
    }),
    close: async () => {
      stop.abort()
      await started
      await consumer?.close()
      await ownership.close()
    },
  }
}

function stockOf(ownership: Ownership): Stock {
  const owner = ownership.current()
  if (owner) return owner.state.stock
  throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', 'this process is not the owner of the stock now', {
    retryable: true,
  })
}
