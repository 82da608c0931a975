import { anOrderPlaced } from '@lab/common/testing/builders.ts'
import { openStore } from '@lab/kit/store.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createOutbox, OUTBOX_SCHEMA } from './outbox.ts'

function setup() {
  const store = openStore('outbox', undefined, OUTBOX_SCHEMA)
  onTestFinished(() => void store.close())
  const outbox = createOutbox(store)
  const add = (count: number) =>
    store.transaction(() =>
      Array.from({ length: count }, () => {
        const event = anOrderPlaced()
        outbox.add(event)
        return event
      }),
    )
  return { store, outbox, add }
}

describe('the outbox', () => {
  test('gives events back in the order they were added, as they were', () => {
    const { outbox, add } = setup()
    const events = add(3)

    expect(outbox.after(0, 2).map(({ body }) => JSON.parse(body))).toEqual(events.slice(0, 2))
    expect(outbox.after(2, 10)).toMatchObject([
      { seq: 3, message_id: events[2]?.id, type: 'OrderPlaced', order_id: events[2]?.subject },
    ])
  })

  test('never uses a seq twice, also when the newest event is gone', () => {
    const { outbox, add } = setup()
    add(2)
    outbox.remove([1, 2])
    add(1)
    expect(outbox.after(2, 10)).toHaveLength(1)
  })

  test('counts what is waiting', () => {
    const { outbox, add } = setup()
    expect(outbox.depth()).toBe(0)
    add(5)
    outbox.remove([1, 2])
    expect(outbox.depth()).toBe(3)
    outbox.remove([3, 4, 5])
    expect(outbox.depth()).toBe(0)
  })

  test('holds nothing of a transaction that failed', () => {
    const { store, outbox } = setup()
    const failing = () =>
      store.transaction(() => {
        outbox.add(anOrderPlaced())
        throw new Error('no')
      })
    expect(failing).toThrow('no')
    expect(outbox.after(0, 10)).toEqual([])
  })
})
