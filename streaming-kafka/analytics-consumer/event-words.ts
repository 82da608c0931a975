import type { OrderEvent } from '@lab/common/domain/events.ts'
import { FailureReason, ITEMS } from '@lab/common/domain/order.ts'
import { readUuid, UUID_WORDS } from '@lab/common/uuid-index.ts'

const SUBJECT = UUID_WORDS
const TIMESTAMP = 2 * UUID_WORDS
const REST = TIMESTAMP + 2
const TYPES: OrderEvent['type'][] = ['OrderPlaced', 'InventoryReserved', 'InventoryFailed']

/**
 * All that an event says, as numbers: its id and its order, when the order was placed, and what became of which item and
 * how many. The words are the same array at every call.
 */
export function createEventWords(): (event: OrderEvent) => Uint32Array {
  const words = new Uint32Array(REST + 1)
  const timestamp = new Float64Array(words.buffer, TIMESTAMP * Uint32Array.BYTES_PER_ELEMENT, 1)
  return ({ id, subject, type, data }) => {
    readUuid(id, words)
    readUuid(subject, words, SUBJECT)
    timestamp[0] = data.timestamp
    const reason = 'reason' in data ? 1 + FailureReason.options.indexOf(data.reason) : 0
    words[REST] =
      (data.quantity << 16) | (reason << 12) | (ITEMS.indexOf(data.item) << 4) | TYPES.indexOf(type)
    return words
  }
}
