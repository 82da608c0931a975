import type { OrderEvent } from '@lab/common/domain/events.ts'
import { FailureReason, ITEMS, MAX_QUANTITY } from '@lab/common/domain/order.ts'
import { readUuidAt, UUID_LENGTH } from '@lab/common/uuid-index.ts'
import { type Room, type Span, spanOf, Written } from './record-batch.ts'

// Events as this lab writes them: the same fields in the same order, as `JSON.stringify` has them. The events of a batch are
// mostly of one service and millisecond, and differ in their ids and meals alone. So the bytes around these are kept: they are
// compared where a record lies to read its event, and copied to where one will lie to write it, without text in between. What is
// plain about it is elsewhere: `JSON.stringify`, and the schemas in `common/domain/events.ts`, which judge all that is not written
// like this. Tests hold these two against those.

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

const EIGHT = Float64Array.BYTES_PER_ELEMENT

/**
 * ASCII to look for, eight characters at a time, as a double. Doubles are equal when their bits are, but for NaN and the two zeros, and no
 * eight characters of ASCII text are one of these.
 */
class Words {
  readonly bytes: Buffer
  readonly #eights: Float64Array

  constructor(text: string) {
    const { bytes, view } = spanOf(Buffer.from(text))
    const whole = Math.floor(bytes.length / EIGHT)
    this.bytes = bytes
    this.#eights = Float64Array.from({ length: whole }, (_, i) => view.getFloat64(EIGHT * i))
  }

  get length(): number {
    return this.bytes.length
  }

  /** Whether these are the bytes from `at`, where there are as many. */
  isAt(at: number, { bytes, view }: Room): boolean {
    const [wanted, eights] = [this.bytes, this.#eights]
    for (let i = 0; i < eights.length; i++) if (view.getFloat64(at + EIGHT * i) !== eights[i]) return false
    for (let i = EIGHT * eights.length; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false
    return true
  }
}

const BEFORE_ID = new Words('{"specversion":"1.0","id":"')
const ID_AT = BEFORE_ID.length
const ID_END = ID_AT + UUID_LENGTH
/** What stands between an order's id and its quantity, for each item. */
const BEFORE_QUANTITY = ITEMS.map((item) => new Words(`","item":"${item}","quantity":`))

/** Where the ids of an event are, and where its quantity is followed by the rest. */
function placesOf(text: string) {
  const endOf = (words: string, from: number) => text.indexOf(words, from) + words.length
  const subjectAt = endOf('"subject":"', ID_END)
  const orderAt = endOf('"order_id":"', subjectAt)
  return { subjectAt, orderAt, restAt: text.indexOf(',"timestamp":', orderAt) }
}

// Reading

export type Meal = Pick<OrderEvent['data'], 'item' | 'quantity'>

/** What a frame says. */
export interface Said extends Pick<OrderEvent, 'source' | 'type' | 'time'> {
  timestamp: number
  status: OrderEvent['data']['status']
  reason: FailureReason | undefined
}

/** What is around the ids and the meal of an event, and what that says. */
interface Frame extends Said {
  beforeSubject: Words
  beforeOrder: Words
  afterMeal: Words
  /** Of all that and the ids. */
  length: number
}

/** The last frame of each type that was read. */
const framesRead: Frame[] = []

/** Reads an event that is written as `EventValue` writes it; undefined for everything else. What it answers is what the schemas would. */
export function readPlain(value: Span): OrderEvent | undefined {
  for (const frame of framesRead) {
    const event = readFramed(frame, value)
    if (event) return event as OrderEvent
  }
  return readAnew(value.bytes.toString('latin1', value.from, value.to))
}

function readFramed(frame: Frame, { bytes, view, from, to }: Span): FramedEvent | undefined {
  if (to - from <= frame.length) return
  const { beforeSubject, beforeOrder, afterMeal } = frame
  const room = { bytes, view }
  const subjectAt = from + ID_END + beforeSubject.length
  const orderAt = subjectAt + UUID_LENGTH + beforeOrder.length
  const mealEnd = to - afterMeal.length
  if (!beforeSubject.isAt(from + ID_END, room) || !beforeOrder.isAt(subjectAt + UUID_LENGTH, room)) return
  if (!BEFORE_ID.isAt(from, room) || !afterMeal.isAt(mealEnd, room)) return
  if (!isUuidAt(from + ID_AT, bytes) || !isUuidAt(subjectAt, bytes)) return
  if (!isSameUuid(orderAt, subjectAt, view)) return
  const meal = readMeal(orderAt + UUID_LENGTH, mealEnd, room)
  return meal && new FramedEvent(frame, meal, { bytes, view, from: from + ID_AT, to: subjectAt })
}

function readMeal(from: number, to: number, room: Room): Meal | undefined {
  for (let i = 0; i < ITEMS.length; i++) {
    const before = BEFORE_QUANTITY[i] as Words
    const at = from + before.length
    if (at >= to || !before.isAt(from, room)) continue
    const quantity = numberOf(at, to, room.bytes)
    return quantity > 0 && quantity <= MAX_QUANTITY ? { item: ITEMS[i] as Meal['item'], quantity } : undefined
  }
  return
}

const [ZERO, NINE] = [0x30, 0x39]
const MAX_DIGITS = 5

/** A number of at most five digits, as JSON has it; 0 when it is none. */
function numberOf(from: number, to: number, bytes: Buffer): number {
  if (to - from > MAX_DIGITS || bytes[from] === ZERO) return 0
  let number = 0
  for (let at = from; at < to; at++) {
    const digit = bytes[at] as number
    if (digit < ZERO || digit > NINE) return 0
    number = number * 10 + digit - ZERO
  }
  return number
}

/** Whether the same 36 bytes lie at both places. */
function isSameUuid(one: number, other: number, view: DataView): boolean {
  for (let i = 0; i < UUID_LENGTH; i += 4)
    if (view.getInt32(one + i) !== view.getInt32(other + i)) return false
  return true
}

/** An event that lies among the bytes of a fetch. Its ids become text when they are asked for, and not before. */
export class FramedEvent {
  /** What it has in common with others. */
  readonly said: Said
  readonly meal: Meal
  /** From the event's id to the order's. */
  readonly #ids: Span
  #data: object | undefined

  constructor(said: Said, meal: Meal, ids: Span) {
    this.said = said
    this.meal = meal
    this.#ids = ids
  }

  get specversion() {
    return '1.0'
  }

  get id(): string {
    const { bytes, from } = this.#ids
    return bytes.toString('latin1', from, from + UUID_LENGTH)
  }

  get source(): string {
    return this.said.source
  }

  get type(): OrderEvent['type'] {
    return this.said.type
  }

  get subject(): string {
    const { bytes, to } = this.#ids
    return bytes.toString('latin1', to, to + UUID_LENGTH)
  }

  get time(): string {
    return this.said.time
  }

  get datacontenttype() {
    return JSON_TYPE
  }

  /** Events with one are of themselves alone, and in no frame. */
  get traceparent() {
    return undefined
  }

  get data(): object {
    this.#data ??= dataOf(this.subject, this.meal, this.said)
    return this.#data
  }

  /** Its id and its order's, as the words that `readUuid` makes of them. */
  readIds(id: Uint32Array, subject: Uint32Array): void {
    const { bytes, from, to } = this.#ids
    readUuidAt(bytes, from, id)
    readUuidAt(bytes, to, subject)
  }

  /** Whether this is the text of its order's id, in lower case. */
  isOf({ view, from, to }: Span): boolean {
    return to - from === UUID_LENGTH && view === this.#ids.view && isSameUuid(from, this.#ids.to, view)
  }

  toJSON(): OrderEvent {
    const { specversion, id, source, type, subject, time, datacontenttype, data } = this
    return { specversion, id, source, type, subject, time, datacontenttype, data } as OrderEvent
  }
}

const dataOf = (order_id: string, { item, quantity }: Meal, { timestamp, status, reason }: Said) => {
  const data = { order_id, item, quantity, timestamp, status }
  return reason === undefined ? data : { ...data, reason }
}

function readAnew(text: string): OrderEvent | undefined {
  const fields = PLAIN.exec(text)
  if (!fields) return
  const [, id, source, type, subject, time, traceparent, item, digits, seconds, status, reason] =
    fields as unknown as [string, string, string, OrderEvent['type'], ...string[]]
  if (status !== STATUS[type]) return
  if ((reason !== undefined) !== (status === STATUS.InventoryFailed)) return
  const quantity = Number(digits)
  if (quantity > MAX_QUANTITY || !TIME.test(time as string)) return

  const said = { source, type, time, timestamp: Number(seconds), status, reason } as Said
  if (traceparent === undefined) keep(text, said)
  const head = { specversion: '1.0', id, source, type, subject, time, datacontenttype: JSON_TYPE }
  const data = dataOf(subject as string, { item, quantity } as Meal, said)
  return { ...head, ...(traceparent !== undefined && { traceparent }), data } as OrderEvent
}

function keep(text: string, said: Said): void {
  const { subjectAt, orderAt, restAt } = placesOf(text)
  const frame = {
    ...said,
    beforeSubject: new Words(text.slice(ID_END, subjectAt)),
    beforeOrder: new Words(text.slice(subjectAt + UUID_LENGTH, orderAt)),
    afterMeal: new Words(text.slice(restAt)),
    length: orderAt + UUID_LENGTH + text.length - restAt,
  }
  const known = framesRead.findIndex(({ type }) => type === said.type)
  framesRead[known === -1 ? framesRead.length : known] = frame
}

const [DIGIT, VERSION, VARIANT, DASH] = [1, 2, 4, 8]
/** What each character may be in a UUID as `UUID` has it. */
const KINDS = new Uint8Array(256)
for (const [kind, characters] of [
  [DIGIT, '0123456789abcdef'],
  [VERSION, '12345678'],
  [VARIANT, '89ab'],
  [DASH, '-'],
] as const)
  for (const character of characters) KINDS[character.charCodeAt(0)]! |= kind
const WANTED = Uint8Array.from('xxxxxxxx-xxxx-Vxxx-vxxx-xxxxxxxxxxxx', (place) =>
  place === '-' ? DASH : place === 'V' ? VERSION : place === 'v' ? VARIANT : DIGIT,
)

function isUuidAt(at: number, bytes: Buffer): boolean {
  for (let i = 0; i < UUID_LENGTH; i++)
    if (((KINDS[bytes[at + i] as number] as number) & (WANTED[i] as number)) === 0) return false
  return true
}

// Writing

/** All of an event up to its item, with ids that others are written over, and all from behind its quantity. */
interface Mould {
  event: OrderEvent
  head: Buffer
  subjectAt: number
  orderAt: number
  rest: Buffer
}

/** Of the last event that was written. */
let mould: Mould | undefined

/** What is to be written of an event, if others may have the same. */
function mouldFor(event: OrderEvent): Mould | undefined {
  const { id, subject, data, traceparent } = event
  if (traceparent !== undefined || id.length !== UUID_LENGTH) return // nothing of it is the same again
  if (subject.length !== UUID_LENGTH || subject !== data.order_id) return
  if (!mould || !isAlike(event, mould.event)) mould = mouldOf(event)
  return mould
}

function mouldOf(event: OrderEvent): Mould {
  // Places in bytes: what is not ASCII is a byte to each character here.
  const text = Buffer.from(JSON.stringify(event)).toString('latin1')
  const { subjectAt, orderAt, restAt } = placesOf(text)
  const head = Buffer.from(text.slice(0, orderAt + UUID_LENGTH), 'latin1')
  return { event, head, subjectAt, orderAt, rest: Buffer.from(text.slice(restAt), 'latin1') }
}

function isAlike({ source, type, time, data }: OrderEvent, other: OrderEvent): boolean {
  const isSameData = data.timestamp === other.data.timestamp && reasonOf(data) === reasonOf(other.data)
  return isSameData && time === other.time && type === other.type && source === other.source
}

const reasonOf = (data: OrderEvent['data']) => ('reason' in data ? data.reason : undefined)

/** An event as the value of a record: the same bytes as of `JSON.stringify`. */
export class EventValue extends Written {
  readonly #event: OrderEvent
  #text: string | undefined

  constructor(event: OrderEvent) {
    super()
    this.#event = event
  }

  get length(): number {
    const { item, quantity } = this.#event.data
    const mould = mouldFor(this.#event)
    if (!mould) return Buffer.byteLength(this.toString())
    return mould.head.length + beforeQuantity(item).length + String(quantity).length + mould.rest.length
  }

  writeTo(bytes: Buffer, at: number): void {
    const { id, subject, data } = this.#event
    const mould = mouldFor(this.#event)
    if (!mould) {
      bytes.write(this.toString(), at)
      return
    }
    const { head, subjectAt, orderAt, rest } = mould
    bytes.set(head, at)
    bytes.write(id, at + ID_AT, 'latin1')
    bytes.write(subject, at + subjectAt, 'latin1')
    bytes.write(subject, at + orderAt, 'latin1')
    const [before, quantity] = [beforeQuantity(data.item), String(data.quantity)]
    bytes.set(before, at + head.length)
    bytes.write(quantity, at + head.length + before.length, 'latin1')
    bytes.set(rest, at + head.length + before.length + quantity.length)
  }

  toString(): string {
    this.#text ??= JSON.stringify(this.#event)
    return this.#text
  }
}

const beforeQuantity = (item: Meal['item']) => (BEFORE_QUANTITY[ITEMS.indexOf(item)] as Words).bytes
