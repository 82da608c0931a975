import { inventoryDecided, type OrderEvent, orderPlaced } from '@lab/common/domain/events.ts'
import { FailureReason, ITEMS, placed } from '@lab/common/domain/order.ts'
import { derivedId } from '@lab/common/ids.ts'
import { expect, test } from 'vitest'
import { EventWords } from './event-words.ts'

const NOW = 1_700_000_000_000
const SOURCE = { source: 'test', now: NOW }
const id = (name: string) => derivedId('event-words', name)

const base = orderPlaced(placed({ item: 'burger', quantity: 1 }, id('order'), NOW), {
  id: id('event'),
  ...SOURCE,
})
const decided = (decision: Parameters<typeof inventoryDecided>[1]): OrderEvent => ({
  ...inventoryDecided(base.data, decision, SOURCE),
  id: base.id,
})

test('are different whenever anything that an event says is', () => {
  const events: OrderEvent[] = [
    base,
    { ...base, id: id('other event') },
    { ...base, subject: id('other order') },
    { ...base, data: { ...base.data, timestamp: base.data.timestamp + 0.001 } },
    ...ITEMS.slice(1).map((item) => ({ ...base, data: { ...base.data, item } })),
    ...[2, 16, 100].map((quantity) => ({ ...base, data: { ...base.data, quantity } })),
    decided({ status: 'reserved' }),
    ...FailureReason.options.map((reason) => decided({ status: 'failed', reason })),
  ]
  const words = new EventWords()
  const wordsOf = (event: OrderEvent) => {
    words.read(event)
    return words.all
  }

  expect(new Set(events.map((event) => wordsOf(event).join())).size).toBe(events.length)
  expect(wordsOf(base).join()).toBe(wordsOf({ ...base, subject: base.subject.toUpperCase() }).join())
})
