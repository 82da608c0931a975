import type { Order, PlaceOrder } from '../domain/order.ts'
import { newOrderId, orderIdForKey } from '../ids.ts'
import { LabError } from './errors.ts'

export interface Claim {
  order_id: string
  /** The order this key already stands for; answer it again and place nothing. */
  known: Order | undefined
  /** To be called when the request is answered, whatever the answer. */
  release: () => void
}

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
    if (typeof key !== 'string' || !KEY.test(key)) throw badKey(String(key))

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

function badKey(value: string) {
  const message = 'must be 1 to 255 visible ASCII characters'
  return new LabError('LAB_REQUEST_INVALID', `idempotency-key: ${message} (got '${value.slice(0, 80)}')`, {
    errors: [{ field: 'idempotency-key', message, value: value.slice(0, 80) }],
  })
}
