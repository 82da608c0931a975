import type { OrderEvent } from '@lab/common/domain/events.ts'
import { FailureReason, ITEMS, type Item, MAX_QUANTITY } from '@lab/common/domain/order.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
/** As `Date` writes it; 29 February is left to those who know the years. */
const TIME =
  /^\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/
const STATUS = { OrderPlaced: 'placed', InventoryReserved: 'reserved', InventoryFailed: 'failed' } as const

/** Records of one batch are mostly of the same millisecond. */
let lastTime = ''

/**
 * Reads an event that is written as this lab writes it, and answers undefined for everything else: that is for the schemas in
 * `common/domain/events.ts` to judge. What it answers is what they would; it takes a third of their time, and a test holds
 * the two against each other.
 */
export function plainEvent(body: unknown): OrderEvent | undefined {
  const { specversion, id, source, type, subject, time, datacontenttype, traceparent, data } = (body ??
    {}) as Record<string, unknown>
  const { order_id, item, quantity, timestamp, status, reason } = (data ?? {}) as Record<string, unknown>

  if (specversion !== '1.0' || typeof source !== 'string' || source === '') return
  if (datacontenttype !== 'application/json') return
  if (traceparent !== undefined && typeof traceparent !== 'string') return
  if (typeof id !== 'string' || !UUID.test(id)) return
  if (typeof subject !== 'string' || order_id !== subject || !UUID.test(subject)) return
  if (typeof time !== 'string' || (time !== lastTime && !TIME.test(time))) return
  lastTime = time
  if (!ITEMS.includes(item as Item)) return
  if (!Number.isInteger(quantity) || (quantity as number) < 1 || (quantity as number) > MAX_QUANTITY) return
  if (typeof timestamp !== 'number') return
  if (typeof type !== 'string' || !Object.hasOwn(STATUS, type)) return
  if (status !== STATUS[type as OrderEvent['type']]) return
  const isFailed = type === 'InventoryFailed'
  if (isFailed && !FailureReason.options.includes(reason as FailureReason)) return

  const fields = { order_id: subject, item, quantity, timestamp, status }
  const envelope = { specversion, id, source, type, subject, time, datacontenttype }
  return {
    ...envelope,
    ...(traceparent !== undefined && { traceparent }),
    data: isFailed ? { ...fields, reason } : fields,
  } as OrderEvent
}
