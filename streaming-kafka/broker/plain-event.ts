import type { OrderEvent } from '@lab/common/domain/events.ts'
import { FailureReason, ITEMS, MAX_QUANTITY } from '@lab/common/domain/order.ts'

// Events as this lab writes them: the same fields in the same order, as `JSON.stringify` has them. Written and read here without
// an object of every field on the way, in a third of the time. What is plain about it is elsewhere: `JSON.stringify`, and the
// schemas in `common/domain/events.ts`, which judge all that is not written like this. Tests hold these two against those.

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
/** ASCII that stands for itself in JSON. */
const TEXT = String.raw`[ !#-[\]-~]`
const oneOf = (words: readonly string[]) => `(${words.join('|')})`
const JSON_TYPE = 'application/json'
const STATUS = { OrderPlaced: 'placed', InventoryReserved: 'reserved', InventoryFailed: 'failed' } as const

const PLAIN = new RegExp(
  [
    String.raw`^\{"specversion":"1\.0","id":"(${UUID})","source":"(${TEXT}+)","type":"${oneOf(Object.keys(STATUS))}"`,
    `"subject":"(${UUID})","time":"([^"]{24})","datacontenttype":"application/json"(?:,"traceparent":"(${TEXT}*)")?`,
    String.raw`"data":\{"order_id":"\4","item":"${oneOf(ITEMS)}","quantity":([1-9]\d{0,4})`,
    String.raw`"timestamp":((?:0|[1-9]\d{0,12})(?:\.\d{1,9})?),"status":"${oneOf(Object.values(STATUS))}"(?:,"reason":"${oneOf(FailureReason.options)}")?\}\}$`,
  ].join(','),
)

/** As `Date` writes it; 29 February is left to those who know the years. */
const TIME =
  /^\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/
/** Records of one batch are mostly of the same millisecond. */
let lastTime = ''

/** Reads an event that is written as `writePlain` writes it; undefined for everything else. What it answers is what the schemas would. */
export function readPlain(text: string): OrderEvent | undefined {
  const fields = PLAIN.exec(text)
  if (!fields) return
  const [, id, source, type, subject, time, traceparent, item, digits, seconds, status, reason] =
    fields as unknown as string[]
  if (status !== STATUS[type as OrderEvent['type']]) return
  if ((reason !== undefined) !== (status === STATUS.InventoryFailed)) return
  const quantity = Number(digits)
  if (quantity > MAX_QUANTITY) return
  if (time !== lastTime && !TIME.test(time as string)) return
  lastTime = time as string

  const data = { order_id: subject, item, quantity, timestamp: Number(seconds), status }
  const event = { specversion: '1.0', id, source, type, subject, time, datacontenttype: JSON_TYPE, data }
  if (traceparent !== undefined) Object.assign(event, { traceparent })
  if (reason !== undefined) Object.assign(data, { reason })
  return event as OrderEvent
}

let quoted = { source: '', text: '""' }

/** The same text as `JSON.stringify`. */
export function writePlain({ id, source, type, subject, time, traceparent, data }: OrderEvent): string {
  if (source !== quoted.source) quoted = { source, text: JSON.stringify(source) }
  const trace = traceparent === undefined ? '' : `,"traceparent":${JSON.stringify(traceparent)}`
  const reason = 'reason' in data ? `,"reason":"${data.reason}"` : ''
  return (
    `{"specversion":"1.0","id":"${id}","source":${quoted.text},"type":"${type}","subject":"${subject}","time":"${time}",` +
    `"datacontenttype":"application/json"${trace},"data":{"order_id":"${data.order_id}","item":"${data.item}",` +
    `"quantity":${data.quantity},"timestamp":${data.timestamp},"status":"${data.status}"${reason}}}`
  )
}
