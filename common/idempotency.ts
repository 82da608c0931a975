import { LabError } from '@lab/kit/errors.ts'
import { z } from 'zod'
import type { Order, PlaceOrder } from './domain/order.ts'
import { newOrderId, orderIdForKey } from './ids.ts'

export interface Claim {
  order_id: string
  /** The order this key already stands for; answer it again and place nothing. */
  known: Order | undefined
  /** To be called when the request is answered, whatever the answer. */
  release: () => void
}

export const KeyHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .optional()
    .describe(
      'The same key and body answer the same order again, with `Idempotency-Replayed: true`; 1 to 255 visible ASCII characters',
    ),
})

/** The header of an answer that repeats an earlier one: nothing was done for it. */
export const REPLAYED = ['idempotency-replayed', 'true'] as const

const KEY = /^[\x21-\x7e]{1,255}$/

/**
 * `Idempotency-Key` as the IETF draft has it: the same key and order answer the same order, another order under the
 * same key is 422, a key in flight 409. The order id is derived from the key, so whoever can find an order by id (the
 * store in A and B, the log in C) knows every key that was ever used, without a table of keys.
 */
export function createIdempotency(find: (order_id: string) => Order | undefined) {
  const inFlight = new Set<string>()

  return (key: string | string[] | undefined, command: PlaceOrder): Claim => {
    if (key === undefined) return { order_id: newOrderId(), known: undefined, release: () => {} }
    requireKey(key)
    const order_id = orderIdForKey(key)
    if (inFlight.has(order_id))
      throw new LabError('LAB_KEY_IN_FLIGHT', `Idempotency-Key '${key}' is in flight`)
    const known = find(order_id)
    if (known && (known.item !== command.item || known.quantity !== command.quantity)) {
      throw new LabError(
        'LAB_KEY_REUSED',
        `Idempotency-Key '${key}' stands for ${known.quantity} ${known.item}, not ${command.quantity} ${command.item}`,
      )
    }
    inFlight.add(order_id)
    return { order_id, known, release: () => inFlight.delete(order_id) }
  }
}

/** Throws `LAB_REQUEST_INVALID` for what cannot be a key. */
export function requireKey(key: string | string[]): asserts key is string {
  if (typeof key !== 'string' || !KEY.test(key)) throw badKey(String(key))
}

function badKey(value: string) {
  const message = 'must be 1 to 255 visible ASCII characters'
  return new LabError('LAB_REQUEST_INVALID', `idempotency-key: ${message} (got '${value.slice(0, 80)}')`, {
    errors: [{ field: 'idempotency-key', message, value: value.slice(0, 80) }],
  })
}
