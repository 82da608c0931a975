import { CONTENT_TYPE, orderPlaced } from '@lab/common/domain/events.ts'
import { placed } from '@lab/common/domain/order.ts'
import { eventIdFor, newOrderId } from '@lab/common/ids.ts'

/** A message that no consumer can ever handle, and what its dead letter must say. */
export interface Malformed {
  kind: string
  body: string
  properties: { messageId?: string; type: string; contentType: string }
  /** Found in the reason of the dead letter. */
  names: RegExp
}

type Change = (event: ReturnType<typeof valid>) => unknown

const kinds: { kind: string; names: RegExp; change: Change; raw?: string; withoutId?: true }[] = [
  { kind: 'not JSON', names: /not JSON/i, change: () => '', raw: '{"item": "burger", ' },
  { kind: 'empty body', names: /JSON|empty/i, change: () => '', raw: '' },
  { kind: 'JSON, but a list', names: /object/i, change: () => ['burger', 1] },
  {
    kind: 'no item',
    names: /item/i,
    change: ({ data, ...event }) => ({ ...event, data: { ...data, item: undefined } }),
  },
  {
    kind: 'unknown item',
    names: /item/i,
    change: ({ data, ...event }) => ({ ...event, data: { ...data, item: 'sushi' } }),
  },
  {
    kind: 'quantity 0',
    names: /quantity/i,
    change: ({ data, ...event }) => ({ ...event, data: { ...data, quantity: 0 } }),
  },
  {
    kind: 'quantity "2"',
    names: /quantity/i,
    change: ({ data, ...event }) => ({ ...event, data: { ...data, quantity: '2' } }),
  },
  {
    kind: 'quantity 10^9',
    names: /quantity/i,
    change: ({ data, ...event }) => ({ ...event, data: { ...data, quantity: 1e9 } }),
  },
  { kind: 'unknown type', names: /type/i, change: (event) => ({ ...event, type: 'OrderTeleported' }) },
  {
    kind: 'subject of another order',
    names: /subject|order_id/i,
    change: (event) => ({ ...event, subject: newOrderId() }),
  },
  { kind: 'no message id', names: /message.?id/i, change: (event) => event, withoutId: true },
  {
    kind: 'more than 64 KiB',
    names: /bytes|large|size/i,
    change: (event) => ({ ...event, note: 'x'.repeat(70_000) }),
  },
]

/** One message of each kind, each of an order of its own. All but what is wrong with it is as the order service has it. */
export const malformedMessages = (): Malformed[] =>
  kinds.map(({ kind, names, change, raw, withoutId }) => {
    const event = valid()
    return {
      kind,
      names,
      body: raw ?? JSON.stringify(change(event)),
      properties: {
        ...(withoutId ? {} : { messageId: event.id }),
        type: event.type,
        contentType: CONTENT_TYPE,
      },
    }
  })

function valid() {
  const order = placed({ item: 'burger', quantity: 1 }, newOrderId(), Date.now())
  return orderPlaced(order, { id: eventIdFor('placed', order.order_id), source: 'lab', now: Date.now() })
}
