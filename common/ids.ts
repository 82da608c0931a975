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
  const variant = '89ab'[Number.parseInt(digest.charAt(16), 16) & 3]
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`
}

/** The order id a client's `Idempotency-Key` stands for: the key alone finds the order again, in the store or in the log. */
export const orderIdForKey = (idempotencyKey: string): string => derivedId('order', idempotencyKey)

/** Where a UUID has its version. */
const VERSION_AT = 14
/** What the digit behind the version is for each kind of event, by the order's own. */
const DIGITS = { placed: '0123456789abcdef', inventory: '89abcdef01234567' }

/**
 * The id of the one event of this kind about an order, the same whenever it is announced again: the order's own, with version 8
 * (RFC 9562 leaves what that means to us) and another digit behind it for each kind. It rises with time as the ids of orders do: an
 * index over random ids is touched in a new place by every insert, and the millionth cost half as much again as the first.
 */
export function eventIdFor(kind: keyof typeof DIGITS, order_id: string): string {
  const digit = DIGITS[kind].charAt(Number.parseInt(order_id.charAt(VERSION_AT + 1), 16))
  return `${order_id.slice(0, VERSION_AT)}8${digit}${order_id.slice(VERSION_AT + 2)}`
}
