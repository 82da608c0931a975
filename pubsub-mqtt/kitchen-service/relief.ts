import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@lab/kit/log.ts'
import type { Connection } from '../mqtt/connect.ts'
import { SHARED_ORDERS } from '../mqtt/topics.ts'
import type { OrderStore } from './order-store.ts'

const BEAT_MS = 1_000
/** A kitchen of the same store that has not said anything for so long is gone. */
export const LAPSE_MS = 5_000
const QUIET_MS = 1_000

export interface ReliefDeps {
  orders: Pick<OrderStore, 'beat' | 'retire' | 'lapsed' | 'takeOver' | 'leave' | 'transaction'>
  /** Opens the MQTT session of another kitchen; its messages go the way of this one's. */
  openSession: (kitchen: string, onMessage: () => void) => Connection
  /** The store has new work for this kitchen. */
  onTaken: () => void
  log: Logger
}

/**
 * Takes over from kitchens that are gone: what they had not finished, and what the broker keeps for them. A `$share`
 * subscription of an absent client still gets its part of the orders; nobody else would ever see those.
 */
export function startRelief({ orders, openSession, onTaken, log }: ReliefDeps) {
  const relieving = new Set<string>()
  let isClosed = false

  const relieve = async (other: string) => {
    relieving.add(other)
    try {
      const taken = orders.transaction(() => orders.takeOver(other))
      log.warn({ kitchen: other, orders: taken }, 'kitchen gone: its orders are taken over')
      onTaken()
      await emptySession(other)
      if (!isClosed && orders.lapsed(LAPSE_MS).includes(other)) orders.leave(other)
    } catch (err) {
      log.error({ err, kitchen: other }, 'take-over failed: it is tried again')
    }
    relieving.delete(other)
  }

  /** The session itself stays as long as it was asked for: whatever is left in it is there for the next one. */
  const emptySession = async (other: string) => {
    let quietAt = Number.POSITIVE_INFINITY
    const session = openSession(other, () => {
      if (quietAt !== Number.POSITIVE_INFINITY) quietAt = performance.now() + QUIET_MS
    })
    session.onConnected(() => {
      session.unsubscribe([SHARED_ORDERS]).then(
        () => {
          quietAt = performance.now() + QUIET_MS
        },
        (err) => log.warn({ err, kitchen: other }, 'not unsubscribed: tried at the next connection'),
      )
    })
    const isGone = () => orders.lapsed(LAPSE_MS).includes(other)
    while (!isClosed && isGone() && performance.now() < quietAt) await sleep(50)
    await session.close()
  }

  const beat = () => {
    try {
      orders.beat()
      for (const other of orders.lapsed(LAPSE_MS)) if (!relieving.has(other)) void relieve(other)
    } catch (err) {
      log.error({ err }, 'beat not stored')
    }
  }
  beat()
  const timer = setInterval(beat, BEAT_MS)
  return {
    close: () => {
      isClosed = true
      clearInterval(timer)
      orders.retire()
    },
  }
}
