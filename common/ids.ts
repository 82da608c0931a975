import { hash, randomUUID, randomUUIDv7 } from 'node:crypto'

/** A fresh order id, the same kind in all parts: UUID v7, so ids rise with time and index inserts stay local. */
export const newOrderId = (): string => randomUUIDv7()

/** A fresh message id: the identity consumers deduplicate on. */
export const newMessageId = (): string => randomUUID()

/**
 * The id that follows from a name: the same parts give the same UUID in every process and after every restart
 * (version 5 of RFC 9562, built from SHA-1).
 */
export function derivedId(...parts: string[]): string {
  const digest = hash('sha1', parts.join('\n'), 'hex')
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${restOf(digest)}`
}

/** What follows on the version. */
const restOf = (digest: string) =>
  `${digest.slice(13, 16)}-${VARIANT[Number.parseInt(digest[16] as string, 16) & 3]}${digest.slice(17, 20)}-${digest.slice(20, 32)}`
/** By the two bits of a digest that are left of this digit. */
const VARIANT = '89ab'

/** The order id a client's `Idempotency-Key` stands for: the key alone finds the order again, in the store or in the log. */
export const orderIdForKey = (idempotencyKey: string): string => derivedId('order', idempotencyKey)

/** The first 48 bits of a UUID, as text: its time in milliseconds when it is of version 7. */
const TIME_DIGITS = 13

/**
 * The id of the one event of this kind about an order, the same whenever it is announced again. It begins as the order's id
 * does, so that ids of events rise with time as those of orders do: an index over random ids is touched in a new place by
 * every insert, and the millionth cost half as much again as the first. The rest is hashed from both (version 8 of RFC 9562).
 */
export const eventIdFor = (kind: 'placed' | 'inventory', order_id: string): string =>
  `${order_id.slice(0, TIME_DIGITS)}-8${restOf(hash('sha1', `${kind}\n${order_id}`, 'hex'))}`
