import { inventoryDecided } from '@lab/common/domain/events.ts'
import { anOrderPlaced } from '@lab/common/testing/builders.ts'
import { describe, expect, test } from 'vitest'
import { decodeInventoryEvent, decodeOrderPlaced, toMessage } from './records.ts'

const bytes = (text: string) => Buffer.from(text)
const asRead = (event: Parameters<typeof toMessage>[0]) => {
  const { key, value } = toMessage(event)
  return { key: bytes(key as string), value: bytes(String(value)) }
}

describe('records', () => {
  test('are read as they were written', () => {
    const placed = anOrderPlaced()
    const decided = inventoryDecided(
      placed.data,
      { status: 'failed', reason: 'out_of_stock' },
      { source: 's', now: 0 },
    )

    expect(decodeOrderPlaced(asRead(placed))).toEqual({ event: placed })
    expect(decodeInventoryEvent(asRead(decided))).toEqual({ event: decided })
  })

  test('carry the order as key, and id and type in the headers', () => {
    const event = anOrderPlaced()

    expect(toMessage(event)).toMatchObject({
      key: event.data.order_id,
      headers: { ce_id: event.id, ce_type: 'OrderPlaced', 'content-type': 'application/cloudevents+json' },
    })
  })

  test('are of the same order when ids differ in case only', () => {
    const event = anOrderPlaced()
    const shouted = JSON.stringify({ ...event, subject: event.subject.toUpperCase() })

    expect(decodeOrderPlaced({ key: bytes(event.subject.toUpperCase()), value: bytes(shouted) })).toEqual({
      event,
    })
  })

  test.each([
    ['no value', null, /^no value$/],
    ['half a JSON', bytes('{"a":'), /^not JSON$/],
    ['a JSON null', bytes('null'), /^schema: body/],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x00]), /^not JSON$/],
    ['an event of the other topic', asRead(anOrderPlaced()).value, /^schema: /],
    ['more than 64 KiB', bytes(' '.repeat(70_000)), /^70000 bytes/],
  ])('with %s are no decision, and nothing is thrown', (_why, value, reason) => {
    expect(decodeInventoryEvent({ key: bytes('k'), value })).toEqual({
      reason: expect.stringMatching(reason),
    })
  })
})
