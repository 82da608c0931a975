import type { Row } from './table.ts'
import type { Order } from './types.ts'

/** An order of this window that no kitchen has shown yet. */
export interface Outgoing extends Order {
  sends: number
  nextSendAt: number
}

/** Most of them. */
export const MAX_OUTGOING = 100
/**
 * After a restart of the broker the page may be back before the kitchen, and what it then sends is lost: what waited for the
 * connection waits this much longer, or until a kitchen is heard.
 */
const HOLD_MS = 3_000
/** A kitchen that comes shows in its states what it has: only what is missing then is sent again. */
const STATES_MS = 1_000
/** A broker that takes an order may have nobody to give it to: it is sent again until a kitchen shows it. */
const RESEND_MS = { first: 5_000, longest: 60_000 }

/** Decides when each order is sent; it sends none. */
export function createOutgoing(saved: readonly Outgoing[], now: () => number) {
  const orders = new Map(saved.map((order) => [order.orderId, order]))
  return {
    all: () => [...orders.values()],

    isFull: () => orders.size >= MAX_OUTGOING,

    /** Newest first. */
    rowsOf: (table: number): Row[] =>
      [...orders.values()]
        .filter((order) => order.table === table)
        .map(
          ({ orderId, food, ts, sends }): Row => ({ orderId, food, ts, status: sends ? 'sent' : 'unsent' }),
        )
        .reverse(),

    add(order: Order): void {
      orders.set(order.orderId, { ...order, sends: 0, nextSendAt: now() })
    },

    /** Only what no broker has been handed can be taken back. */
    takeBack(orderId: string): void {
      if (orders.get(orderId)?.sends === 0) orders.delete(orderId)
    },

    /** A kitchen or the broker has answered for it. Answers whether it was there. */
    settle: (orderId: string): boolean => orders.delete(orderId),

    /** A connection was made. */
    hold(): void {
      for (const order of orders.values()) order.nextSendAt = now() + HOLD_MS
    },

    /** A kitchen has said that it is there; `isFirst` when there was none before. */
    kitchenHeard(isFirst: boolean): void {
      for (const order of orders.values()) {
        if (order.sends === 0) order.nextSendAt = now()
        else if (isFirst) order.nextSendAt = now() + STATES_MS
      }
    },

    /** Those to be sent now, each of which is noted as sent. */
    due(): Order[] {
      const due = [...orders.values()].filter(({ nextSendAt }) => nextSendAt <= now())
      for (const order of due) {
        order.nextSendAt = now() + Math.min(RESEND_MS.longest, RESEND_MS.first * 2 ** order.sends)
        order.sends += 1
      }
      return due.map(({ orderId, table, food, ts }) => ({ orderId, table, food, ts }))
    },
  }
}
