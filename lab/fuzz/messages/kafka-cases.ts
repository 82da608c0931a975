import fc from 'fast-check'
import type { ValidOptions } from '../json/valid.ts'
import { weirdString } from '../json/weird.ts'
import type { MessageCase, Verdict } from './case.ts'
import { createReader, type EventBody, type EventName, eventBodies } from './events.ts'

/** A topic and the events that belong there. */
export interface TopicSpec {
  topic: string
  knows: EventName[]
}

export const TOPICS: TopicSpec[] = [
  { topic: 'order-events', knows: ['OrderPlaced'] },
  { topic: 'inventory-events', knows: ['InventoryReserved', 'InventoryFailed'] },
]

/** Records for one topic: every event of the lab, changed or not, under its order's key or another. */
export function kafkaCases({ knows }: TopicSpec, options: ValidOptions): fc.Arbitrary<MessageCase> {
  const known = fc.constantFrom(...knows)
  const any = fc.constantFrom<EventName>('OrderPlaced', 'InventoryReserved', 'InventoryFailed')
  const bodies = Object.fromEntries(
    (['OrderPlaced', 'InventoryReserved', 'InventoryFailed'] as const).map((event) => [
      event,
      eventBodies(event, options),
    ]),
  )
  const body = fc
    .oneof({ weight: 12, arbitrary: known }, { weight: 1, arbitrary: any })
    .chain((event) => bodies[event]!)
  return fc
    .record({ body, key, headers, isEmpty: fc.integer({ min: 0, max: 60 }).map((turn) => turn === 60) })
    .map(messageOf)
}

interface Drawn {
  body: EventBody
  /** Undefined stands for the order's own. */
  key: string | null | undefined
  headers: Record<string, string>
  isEmpty: boolean
}

function messageOf({ body, key, headers, isEmpty }: Drawn): MessageCase {
  const odd = [
    isEmpty ? 'no value' : body.change,
    key === undefined ? '' : 'key',
    Object.keys(headers).length > 0 ? 'headers' : '',
  ]
  const named = odd.filter((text) => text !== '' && text !== 'valid')
  return {
    kind: named.length === 0 ? 'valid' : named.join(' + '),
    body: isEmpty ? null : body.bytes,
    key: key === undefined ? body.was.order_id : key,
    properties: {},
    headers,
  }
}

const key = fc.oneof(
  { weight: 20, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 2, arbitrary: fc.oneof(weirdString, fc.uuid()) },
)

const headers = fc.oneof(
  { weight: 5, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc
      .array(
        fc.tuple(
          fc.oneof(
            fc.constantFrom('ce_id', 'ce_type', 'content-type', 'origin_topic', 'origin_offset', 'reason'),
            weirdString,
          ),
          weirdString,
        ),
        { minLength: 1, maxLength: 3 },
      )
      .map((entries) => Object.fromEntries(entries)),
  },
)

/** What a consumer of the topic must make of a record. */
export function kafkaOracle({ knows }: TopicSpec): (message: MessageCase) => Verdict {
  const read = createReader(knows)
  return ({ body, key }) => {
    const event = read(body)
    const isKeyed = key !== null && key.toLowerCase() === event?.data.order_id
    return event && isKeyed ? { kind: 'event', event } : { kind: 'poison' }
  }
}
