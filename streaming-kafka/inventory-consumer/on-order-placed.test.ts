import { orderPlaced } from '@lab/common/domain/events.ts'
import { type Order, placed } from '@lab/common/domain/order.ts'
import { eventIdFor, newOrderId } from '@lab/common/ids.ts'
import { describe, expect, test } from 'vitest'
import { type LogMessage, toMessage } from '../broker/records.ts'
import { applyDraft, draftDecisions, type OrderRecord } from './on-order-placed.ts'
import { newStockState } from './stock-state.ts'

const NOW = 1_700_000_000_000
let offset = 0

function record(key: string | null, value: string | null): OrderRecord {
  const at = offset++
  const message = { key: key && Buffer.from(key), value: value && Buffer.from(value) } as LogMessage
  return { origin: { topic: 'order-events', partition: 0, offset: at }, message }
}

function orderRecord(quantity: number, order_id = newOrderId(), item: Order['item'] = 'pizza'): OrderRecord {
  const order = placed({ item, quantity }, order_id, NOW)
  const { key, value } = toMessage(
    orderPlaced(order, { id: eventIdFor('placed', order_id), source: 'test', now: NOW }),
  )
  return record(key as string, String(value))
}

const setup = (pizza = 10) => newStockState({ burger: 0, pizza, salad: 0 })
const statuses = (draft: ReturnType<typeof draftDecisions>) => draft.events.map(({ data }) => data.status)

describe('inventory on OrderPlaced', () => {
  test('reserves while there is stock, then refuses, within one run', () => {
    const state = setup(10)

    const draft = draftDecisions(state, [orderRecord(6), orderRecord(6), orderRecord(4)], NOW)

    expect(statuses(draft)).toEqual(['reserved', 'failed', 'reserved'])
    expect(draft.events[1]?.data).toMatchObject({ reason: 'out_of_stock' })
  })

  test('changes nothing until the draft is applied', () => {
    const state = setup(10)
    const draft = draftDecisions(state, [orderRecord(6)], NOW)

    expect(state.stock.pizza).toBe(10)
    expect(state.decided.size).toBe(0)

    applyDraft(state, draft)
    expect(state.stock.pizza).toBe(4)
    expect(state.decided.size).toBe(1)
  })

  test('decides an order once, repeated in one run or in a later one', () => {
    const state = setup(10)
    const order_id = newOrderId()

    const first = draftDecisions(state, [orderRecord(3, order_id), orderRecord(3, order_id)], NOW)
    applyDraft(state, first)
    const second = draftDecisions(state, [orderRecord(3, order_id)], NOW)

    expect(first.outcomes).toEqual([{ kind: 'ack' }, { kind: 'ack', duplicate: true }])
    expect(second.events).toEqual([])
    expect(state.stock.pizza).toBe(7)
  })

  test('gives the same order the same event id, whoever decides it', () => {
    const order_id = newOrderId()

    const one = draftDecisions(setup(10), [orderRecord(3, order_id)], NOW)
    const other = draftDecisions(setup(0), [orderRecord(3, order_id)], NOW + 5_000)

    expect(one.events[0]?.id).toBe(other.events[0]?.id)
  })

  test('dead-letters poison with its origin and reason, and goes on behind it', () => {
    const state = setup(10)
    const poison = record('k', 'not json')

    const draft = draftDecisions(state, [poison, orderRecord(1)], NOW)
    applyDraft(state, draft)

    expect(draft.outcomes.map(({ kind }) => kind)).toEqual(['dead-letter', 'ack'])
    expect(draft.deadLetters[0]?.message).toMatchObject({
      value: Buffer.from('not json'),
      headers: {
        origin_topic: 'order-events',
        origin_offset: String(poison.origin.offset),
        reason: 'not JSON',
      },
    })
    expect(draftDecisions(state, [poison], NOW).deadLetters).toEqual([])
  })

  test.each([
    ['keeps the headers it had', { redrives: '1' }, { redrives: '1', reason: 'not JSON' }],
    ['overwrites what a stranger says of its origin', { reason: 'none' }, { reason: 'not JSON' }],
    ['drops headers no topic would take', { big: 'x'.repeat(20_000) }, { headers_cut_from: '20003 bytes' }],
  ])('%s in a dead letter', (_what, headers, expected) => {
    const { origin, message } = record('k', 'not json')
    const draft = draftDecisions(setup(), [{ origin, message: { ...message, headers } as LogMessage }], NOW)

    expect(draft.deadLetters[0]?.message.headers).toMatchObject(expected)
    expect(draft.deadLetters[0]?.message.headers).not.toHaveProperty('big')
  })
})
