import type { OrderEvent } from '@lab/common/domain/events.ts'
import { FailureReason, ITEMS } from '@lab/common/domain/order.ts'
import { readUuid, UUID_WORDS } from '@lab/common/uuid-index.ts'
import { FramedEvent, type Meal } from '../broker/plain-event.ts'

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

  read(event: OrderEvent): void {
    if (event instanceof FramedEvent) {
      event.readIds(this.id, this.subject)
      this.#set(event.type, event.meal, event.said)
    } else {
      readUuid(event.id, this.id)
      readUuid(event.subject, this.subject)
      this.#set(event.type, event.data, event.data)
    }
  }

  /** When the order was placed, seconds since the epoch. */
  get timestamp(): number {
    return this.#timestamp[0] as number
  }

  #set(
    type: OrderEvent['type'],
    { item, quantity }: Meal,
    { timestamp, reason }: { timestamp: number; reason?: FailureReason | undefined },
  ): void {
    this.#timestamp[0] = timestamp
    const why = reason === undefined ? 0 : 1 + FailureReason.options.indexOf(reason)
    this.all[REST] = (quantity << 16) | (why << 12) | (ITEMS.indexOf(item) << 4) | TYPES.indexOf(type)
  }
}
