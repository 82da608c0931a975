import { InventoryFailed, InventoryReserved, OrderPlaced } from '@lab/common/domain/events.ts'
import { derivedId } from '@lab/common/ids.ts'
import fc from 'fast-check'
import { z } from 'zod'
import { type Body, mutatedBody } from '../json/mutate.ts'
import { compile, parseJson } from '../json/oracle.ts'
import type { Schema } from '../json/schema.ts'
import { type Json, textOf } from '../json/tree.ts'
import { type ValidOptions, validJson } from '../json/valid.ts'
import type { KnownEvent } from './case.ts'

export const EVENTS = { OrderPlaced, InventoryReserved, InventoryFailed }
export type EventName = keyof typeof EVENTS

const schemaOf = (name: EventName): Schema => z.toJSONSchema(EVENTS[name], { io: 'input' }) as Schema

/** The largest event that a CloudEvents consumer has to take. */
const MAX_EVENT_BYTES = 64 * 1024

/**
 * An event that fits its schema and is one order's: subject and `data.order_id` agree. Its id belongs to that order too: a
 * message id that comes again with another order is a repeat by definition, and would hide what becomes of the order.
 */
function validEvent(name: EventName, options: ValidOptions): fc.Arbitrary<Json> {
  return fc.tuple(validJson(schemaOf(name), options), fc.nat(1)).map(([json, which]) => {
    const data = member(json, 'data')
    const order_id = data && member(data, 'order_id')
    if (typeof order_id !== 'string') throw new Error(`the schema of ${name} has no data.order_id`)
    const id = JSON.stringify(derivedId(name, order_id.toLowerCase(), String(which)))
    return withMember(withMember(json, 'subject', order_id), 'id', id)
  })
}

const member = (json: Json, name: string): Json | undefined =>
  typeof json === 'object' && 'members' in json ? json.members.find(([key]) => key === name)?.[1] : undefined

function withMember(json: Json, name: string, value: Json): Json {
  if (typeof json === 'string' || !('members' in json)) return json
  return { members: json.members.map(([key, old]) => [key, key === name ? value : old]) }
}

export interface EventBody extends Body {
  /** What the event was before anything was done to it. */
  was: { id: string; type: string; order_id: string }
}

/** Bodies around an event: as it is, changed in one place, or something else altogether. */
export function eventBodies(name: EventName, options: ValidOptions): fc.Arbitrary<EventBody> {
  const valid = validEvent(name, options)
  const asItIs = valid.map(
    (json): EventBody => ({ bytes: Buffer.from(textOf(json)), change: 'valid', was: whatIs(json) }),
  )
  // The same draw makes the valid event and what is changed of it.
  const changed = valid.chain((json) =>
    mutatedBody(fc.constant(json)).map((body): EventBody => ({ ...body, was: whatIs(json) })),
  )
  return fc.oneof({ weight: 2, arbitrary: asItIs }, { weight: 3, arbitrary: changed })
}

function whatIs(json: Json): EventBody['was'] {
  const { id, type, subject } = z
    .object({ id: z.string(), type: z.string(), subject: z.string() })
    .parse(JSON.parse(textOf(json)))
  return { id, type, order_id: subject }
}

/** Reads an event as the page of each part says a consumer does: the schema, the size, one order. */
export function createReader(names: EventName[]): (body: Buffer | null) => KnownEvent | undefined {
  const fits = names.map((name) => compile(schemaOf(name)))
  return (body) => {
    if (body === null || body.length > MAX_EVENT_BYTES) return undefined
    const value = parseJson(body)
    if (!fits.some((fit) => fit(value))) return undefined
    const event = value as KnownEvent & { subject: string }
    if (event.subject.toLowerCase() !== event.data.order_id.toLowerCase()) return undefined
    const { order_id, ...data } = event.data
    return { id: event.id, type: event.type, data: { ...data, order_id: order_id.toLowerCase() } }
  }
}
