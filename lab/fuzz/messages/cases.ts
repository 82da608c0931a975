import { InventoryFailed, InventoryReserved, OrderPlaced } from '@lab/common/domain/events.ts'
import { derivedId } from '@lab/common/ids.ts'
import fc from 'fast-check'
import { z } from 'zod'
import { type Body, mutatedBody, shortened, validBody, validJson } from '../generate.ts'
import { compile, type Json, parseJson, type Schema, textOf } from '../json.ts'

/** The parts of an event that its effects follow from. */
export interface KnownEvent {
  id: string
  type: 'OrderPlaced' | 'InventoryReserved' | 'InventoryFailed'
  data: { order_id: string; item: 'burger' | 'pizza' | 'salad'; quantity: number }
}

export interface MessageCase {
  kind: string
  body: Buffer | null
  /** The routing key in RabbitMQ, the record's key in Kafka. */
  key: string | null
  /** What RabbitMQ knows of the message beside its body; Kafka has headers alone. */
  properties: {
    messageId?: string
    type?: string
    contentType?: string
    correlationId?: string
    priority?: number
  }
  headers: Record<string, unknown>
}

/** The message as it was, for people. */
export function describeCase({ key, body, properties, headers }: MessageCase): string {
  const text = body?.toString() ?? null
  const isText = body === null || Buffer.from(text!).equals(body)
  const shown = isText ? text : `base64 ${body.toString('base64')}`
  return shortened(JSON.stringify({ key, body: shown, properties, headers }))
}

const EVENTS = { OrderPlaced, InventoryReserved, InventoryFailed }
export type EventName = keyof typeof EVENTS

const schemaOf = (name: EventName): Schema => z.toJSONSchema(EVENTS[name], { io: 'input' }) as Schema

/** The largest event that a CloudEvents consumer has to take. */
const MAX_EVENT_BYTES = 64 * 1024

/**
 * An event that fits its schema and is one order's: subject and `data.order_id` agree. Its id belongs to that order too: a
 * message id that comes again with another order is a repeat by definition, and would hide what becomes of the order.
 */
const validEvent = (name: EventName, ids: string[]): fc.Arbitrary<Json> =>
  fc.tuple(validJson(schemaOf(name), { components: {}, ids }), fc.nat(1)).map(([json, which]) => {
    const order_id = member(member(json, 'data'), 'order_id') as string
    const id = derivedId(name, order_id.toLowerCase(), String(which))
    const own: Record<string, Json> = { subject: order_id, id: JSON.stringify(id) }
    return { members: membersOf(json).map(([key, value]) => [key, own[key] ?? value]) }
  })

const membersOf = (json: Json) => (json as Exclude<Json, string>).members
const member = (json: Json, name: string): Json => membersOf(json).find(([key]) => key === name)![1]

export interface EventBody extends Body {
  /** What the event was before anything was done to it. */
  was: { id: string; type: string; order_id: string }
}

/** Bodies around an event: as it is, changed in one place, or something else altogether. */
const eventBodies = (name: EventName, ids: string[]): fc.Arbitrary<EventBody> =>
  validEvent(name, ids).chain((json) => {
    const { id, type, subject: order_id } = Identity.parse(JSON.parse(textOf(json)))
    const was = { id, type, order_id }
    const valid = fc.constant(json)
    return fc
      .oneof({ weight: 2, arbitrary: validBody(valid) }, { weight: 3, arbitrary: mutatedBody(valid) })
      .map((body) => ({ ...body, was }))
  })

const Identity = z.object({ id: z.string(), type: z.string(), subject: z.string() })

/** Events that a consumer knows, changed or not, and now and then one of another kind. */
export function anyEvent(knows: EventName[], ids: string[]): fc.Arbitrary<EventBody> {
  const one = (names: EventName[]) => fc.oneof(...names.map((name) => eventBodies(name, ids)))
  const any = Object.keys(EVENTS) as EventName[]
  return fc.oneof({ weight: 12, arbitrary: one(knows) }, { weight: 1, arbitrary: one(any) })
}

/** Reads an event as the page of each part says a consumer does: the schema, the size, one order. Poison is undefined. */
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

/** The header that every message carries: the number of its case. */
export const CASE = 'fuzz-case'

/** What is odd about a message, in words; `valid` when nothing is. */
export const kindOf = (...changes: string[]): string =>
  changes.filter((change) => change !== '' && change !== 'valid').join(' + ') || 'valid'
