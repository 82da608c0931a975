import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@lab/kit/log.ts'
import type { Connection } from '../mqtt/connect.ts'
import type { KitchenPresence } from '../mqtt/schemas.ts'
import { kitchenTopic, NO_TABLE, stateTopic, TABLES } from '../mqtt/topics.ts'
import type { OrderStore } from './order-store.ts'

const PAUSE_MS = 50
const RETRY_MS = 1_000

export interface StatesDeps {
  connection: Connection
  orders: Pick<OrderStore, 'state' | 'seq'>
  log: Logger
}

/**
 * Publishes the retained state of each table that changes: the newest one, with one under way at a time, so a burst of
 * changes becomes few messages.
 */
export function createStates({ connection, orders, log }: StatesDeps) {
  const slots = new Map([NO_TABLE, ...TABLES].map((table) => [table, { isDirty: false, isBusy: false }]))
  let isClosed = false

  const publish = async (table: (typeof TABLES)[number] | typeof NO_TABLE) => {
    const slot = slots.get(table)!
    slot.isBusy = true
    while (slot.isDirty && !isClosed) {
      slot.isDirty = false
      const state = orders.state(table)
      try {
        await connection.publish(stateTopic(table), JSON.stringify(state), { retain: true })
      } catch (err) {
        if (isClosed) return
        log.error({ err, table }, 'state not published: tried again')
        slot.isDirty = true
        await sleep(RETRY_MS)
      }
      // A state with many orders is long: it comes less often.
      await sleep(Math.max(PAUSE_MS, state.orders.length))
      // Another kitchen may have published a newer one, and this one has come after it.
      if (!isClosed && orders.seq(table) !== state.seq) slot.isDirty = true
    }
    slot.isBusy = false
  }
  const changed = (table: number) => {
    const slot = slots.get(table as typeof NO_TABLE)!
    slot.isDirty = true
    if (!slot.isBusy) void publish(table as typeof NO_TABLE)
  }
  return {
    changed,
    all: () => [NO_TABLE, ...TABLES].forEach(changed),
    close: () => {
      isClosed = true
    },
  }
}

export const PRESENCE_EVERY_MS = 10_000
/** A kitchen that is gone while the broker is gone leaves no will: its word ends by itself. */
const PRESENCE_EXPIRY_SECONDS = 30

export function presence(kitchen: string, epoch: number, now: () => number) {
  const topic = kitchenTopic(kitchen)
  const since = now()
  const body = (status: KitchenPresence['status']) =>
    JSON.stringify({ kitchen, status, epoch, since, ts: now() } satisfies KitchenPresence)
  return {
    /** Why there is no place for this kitchen beside one that says this; undefined where there is. */
    conflict: (other: KitchenPresence): string | undefined => {
      if (other.status === 'offline') return undefined
      // The tables' states are one store's. The newer one gives way.
      if (other.kitchen !== kitchen && other.epoch < epoch)
        return `kitchen '${other.kitchen}' works on another store: give both the same DATA_DIR`
      // They would throw each other out of the broker. The older one gives way: it may be one that hangs.
      if (other.kitchen === kitchen && other.since > since)
        return `another kitchen is called '${kitchen}': give each its own KITCHEN_ID`
      return undefined
    },
    will: { topic, body: body('offline') },
    publish: (connection: Connection, status: KitchenPresence['status']) =>
      connection.publish(topic, body(status), { retain: true, expirySeconds: PRESENCE_EXPIRY_SECONDS }),
  }
}
