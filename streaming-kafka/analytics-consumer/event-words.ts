import type { OrderEvent } from '@lab/common/domain/events.ts'
import { FailureReason, ITEMS } from '@lab/common/domain/order.ts'
import { readUuid, UUID_WORDS } from '@lab/common/uuid-index.ts'

const SUBJECT = UUID_WORDS
const TIMESTAMP = 2 * UUID_WORDS
const REST = TIMESTAMP + 2
const TYPES: OrderEvent['type'][] = ['OrderPlaced', 'InventoryReserved', 'InventoryFailed']

/** All that an event says, as numbers. The words are the same arrays for every event. */
export class EventWords {
  /** Its id and its order, when the order was placed, and what became of which item and how many. */
  readonly all = new Uint32Array(REST + 1)
  readonly id = this.all.subarray(0, UUID_WORDS)
  readonly subject = this.all.subarray(SUBJECT, SUBJECT + UUID_WORDS)
  readonly #timestamp = new Float64Array(this.all.buffer, TIMESTAMP * Uint32Array.BYTES_PER_ELEMENT, 1)

  read({ id, subject, type, data }: OrderEvent): void {
    readUuid(id, this.id)
    readUuid(subject, this.subject)
    this.#timestamp[0] = data.timestamp
    const reason = 'reason' in data ? 1 + FailureReason.options.indexOf(data.reason) : 0
    this.all[REST] =
      (data.quantity << 16) | (reason << 12) | (ITEMS.indexOf(data.item) << 4) | TYPES.indexOf(type)
  }
}
