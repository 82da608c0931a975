import { hash, randomUUID, randomUUIDv7 } from 'node:crypto'

/** A fresh order id, the same kind in all parts: UUID v7, so ids rise with time and index inserts stay local. */
export const newOrderId = (): string => randomUUIDv7()

/** A fresh message id: the identity consumers deduplicate on. */
export const newMessageId = (): string => randomUUID()

/**
 * The id that follows from a name: the same parts give the same UUID in every process and after every restart
 * (version 5 of RFC 9562, built from SHA-1). A repeated decision is therefore recognisably the same event.
 */
export function derivedId(...parts: string[]): string {
  const digest = hash('sha1', parts.join('\n'), 'hex')
  const variant = ((Number.parseInt(digest.slice(16, 18), 16) & 0x3f) | 0x80).toString(16)
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-${variant}${digest.slice(18, 20)}-${digest.slice(20, 32)}`
}

/** The order id a client's `Idempotency-Key` stands for: the key alone finds the order again, in the store or in the log. */
export const orderIdForKey = (idempotencyKey: string): string => derivedId('order', idempotencyKey)
