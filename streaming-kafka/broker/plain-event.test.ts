import {
  InventoryEvent,
  inventoryDecided,
  type OrderEvent,
  OrderPlaced,
  orderPlaced,
} from '@lab/common/domain/events.ts'
import { FailureReason, ITEMS, placed } from '@lab/common/domain/order.ts'
import { eventIdFor } from '@lab/common/ids.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventValue, FramedEvent, readPlain } from './plain-event.ts'
import { spanOf } from './record-batch.ts'

const schemaOf = (event: OrderEvent) => (event.type === 'OrderPlaced' ? OrderPlaced : InventoryEvent)

/** As the services make them. */
const made: fc.Arbitrary<OrderEvent> = fc
  .record({
    order_id: fc.uuid({ version: [4, 5, 7] }),
    source: fc.constantFrom('inventory-consumer', 'by "hand"', 'é'),
    item: fc.constantFrom(...ITEMS),
    quantity: fc.integer({ min: 1, max: 10_000 }),
    now: fc.integer({ min: 0, max: 4_102_444_800_000 }),
    traceparent: fc.option(fc.string(), { nil: undefined }),
    reason: fc.option(fc.constantFrom(...FailureReason.options)),
    kind: fc.constantFrom('placed', 'decided'),
  })
  .map(({ order_id, source, now, traceparent, reason, kind, ...command }) => {
    const order = placed(command, order_id, now)
    const origin = { source, now, ...(traceparent !== undefined && { traceparent }) }
    if (kind === 'placed') return orderPlaced(order, { ...origin, id: eventIdFor('placed', order_id) })
    const data = { ...order, status: 'placed' as const }
    const decision = reason === null ? { status: 'reserved' as const } : { status: 'failed' as const, reason }
    return inventoryDecided(data, decision, origin)
  })

const isLeapDay = (event: OrderEvent) => event.time.slice(5, 10) === '02-29'
const isOdd = ({ source, traceparent = '' }: OrderEvent) => !/^[ !#-[\]-~]*$/.test(source + traceparent)

const NOISE = 7
/** Among other bytes, as in a batch. */
function asRead(text: string) {
  const around = Buffer.alloc(NOISE, 'x')
  const { bytes, view } = spanOf(Buffer.concat([around, Buffer.from(text), around]))
  return { bytes, view, from: NOISE, to: bytes.length - NOISE }
}

/** What is written, and whether it is as long as it says. */
function writePlain(event: OrderEvent): string {
  const value = new EventValue(event)
  const bytes = Buffer.alloc(NOISE + value.length + NOISE)
  value.writeTo(bytes, NOISE)
  expect(bytes.subarray(NOISE + value.length)).toEqual(Buffer.alloc(NOISE))
  return bytes.toString('utf8', NOISE, NOISE + value.length)
}

/** Its fields, also of an event that makes them when they are asked for. */
const fieldsOf = (event: OrderEvent) => (event instanceof FramedEvent ? event.toJSON() : event)

test('every event this lab makes is written as JSON.stringify writes it, and read as its schema reads it', () => {
  fc.assert(
    fc.property(made, (event) => {
      const text = writePlain(event)

      expect(text).toBe(JSON.stringify(event))
      const plain = readPlain(asRead(text))
      if (plain || !(isLeapDay(event) || isOdd(event)))
        expect(plain && fieldsOf(plain)).toEqual(schemaOf(event).parse(JSON.parse(text)))
    }),
    { numRuns: 1_000 },
  )
})

test('events of one frame are written and read like those that stand alone', () => {
  const ids = fc.record({
    order_id: fc.uuid({ version: [4, 5, 7] }),
    item: fc.constantFrom(...ITEMS),
    quantity: fc.nat(20_000),
  })
  const changes = fc.constantFrom<Partial<OrderEvent>>(
    {},
    {},
    {},
    { time: '2026-11-29T17:00:00.000Z' },
    { source: 'other' },
  )
  fc.assert(
    fc.property(
      fc.array(made, { minLength: 1, maxLength: 3 }),
      fc.array(fc.tuple(fc.nat(2), ids, changes)),
      (frames, rows) => {
        for (const [at, { order_id, ...meal }, change] of rows) {
          const frame = frames[at % frames.length] as OrderEvent
          const data = { ...frame.data, order_id, ...meal }
          const event = {
            ...frame,
            ...change,
            id: eventIdFor('placed', order_id),
            subject: order_id,
            data,
          } as OrderEvent
          const text = writePlain(event)

          expect(text).toBe(JSON.stringify(event))
          const plain = readPlain(asRead(text))
          const expected = schemaOf(event).safeParse(JSON.parse(text))
          if (plain) expect(fieldsOf(plain)).toEqual(expected.data)
          else expect(!expected.success || isLeapDay(event) || isOdd(event)).toBe(true)
        }
      },
    ),
    { numRuns: 1_000 },
  )
})

test('whatever is done to the text of an event, it is plain only when its schema reads the same', () => {
  const edit = fc.tuple(fc.nat(), fc.nat(3), fc.oneof(fc.constantFrom('"', '}', ',', '0', 'é'), fc.string()))
  fc.assert(
    fc.property(made, fc.array(edit, { minLength: 1, maxLength: 3 }), (event, edits) => {
      let text = writePlain(event)
      for (const [place, removed, added] of edits) {
        const at = place % text.length
        text = text.slice(0, at) + added + text.slice(at + removed)
      }
      readPlain(asRead(writePlain(event))) // so that its frame is known
      const plain = readPlain(asRead(text))
      if (plain) expect(fieldsOf(plain)).toEqual(schemaOf(plain).parse(JSON.parse(text)))
    }),
    { numRuns: 5_000 },
  )
})

test('whatever is plain, the schema reads the same', () => {
  const path = fc.constantFrom(
    ...['specversion', 'id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'traceparent', 'data'],
    ...['data.order_id', 'data.item', 'data.quantity', 'data.timestamp', 'data.status', 'data.reason'],
    ...['data.unknown', 'unknown'],
  )
  const odd = fc.oneof(
    fc.constantFrom(null, '', '1.0', 'placed', 'reserved', 'failed', 'pizza', 0, 1, 10_001, 1.5, -1, true),
    fc.constantFrom('OrderPlaced', 'InventoryFailed', 'toString', '__proto__', 'out_of_stock'),
    fc.constantFrom('2026-02-30T00:00:00.000Z', '2026-13-01T00:00:00.000Z', '2026-04-31T00:00:00.000Z'),
    fc.constantFrom('2026-01-31T24:00:00.000Z', '2026-01-31T00:00:00Z', '2026-12-31T23:59:60.000Z'),
    fc.constantFrom('00000000-0000-0000-0000-000000000000', '019AA000-0000-7000-8000-00000000000A'),
    fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((date) => date.toISOString()),
    fc.uuid(),
    fc.jsonValue(),
  )
  const changes = fc.array(fc.tuple(path, odd), { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(made, changes, (event, changed) => {
      const body = JSON.parse(JSON.stringify(event))
      for (const [at, value] of changed) {
        const [first, second] = at.split('.') as [string, string?]
        if (second === undefined) body[first] = value
        else if (body[first] && typeof body[first] === 'object') body[first][second] = value
      }
      const text = JSON.stringify(body)
      readPlain(asRead(writePlain(event)))
      const plain = readPlain(asRead(text))
      if (plain) expect(fieldsOf(plain)).toEqual(schemaOf(plain).parse(JSON.parse(text)))
    }),
    { numRuns: 5_000 },
  )
})

test.each(['null', '7', '"text"', '[]', '{}', '{"data":null}', ''])('%s is not plain', (text) => {
  expect(readPlain(asRead(text))).toBeUndefined()
})
