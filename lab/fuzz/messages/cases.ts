import { InventoryFailed, InventoryReserved, OrderPlaced } from '@lab/common/domain/events.ts'
import { derivedId } from '@lab/common/ids.ts'
import fc from 'fast-check'
import { z } from 'zod'
import { type Body, mutatedBody, sampleCase, type ValidOptions, validJson } from '../generate.ts'
import type { FuzzOptions } from '../http/routes.ts'
import { compile, type Json, parseJson, type Schema, textOf } from '../json.ts'

/** What must become of a message. */
export type Verdict =
  /** An event of the consumer: it has its effect, or is recognised as one that was there before. */
  | { kind: 'event'; event: KnownEvent }
  /** Never an event: a dead letter says why, and nothing else happens. */
  | { kind: 'poison' }

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

/** A command for people: the message as it was. */
export function describeCase({ key, body, properties, headers }: MessageCase): string {
  const text = body === null ? null : body.toString()
  const isText = body === null || Buffer.from(text!).equals(body)
  const shown = isText ? text : `base64 ${body.toString('base64')}`
  const all = JSON.stringify({ key, body: shown, properties, headers })
  return all.length <= MAX_SHOWN
    ? all
    : `${all.slice(0, MAX_SHOWN)}… (${all.length} characters; --case repeats it)`
}

const MAX_SHOWN = 2_000

const EVENTS = { OrderPlaced, InventoryReserved, InventoryFailed }
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
function eventBodies(name: EventName, options: ValidOptions): fc.Arbitrary<EventBody> {
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

/** Events that a consumer knows, changed or not, and now and then one of another kind. */
export function anyEvent(knows: EventName[], options: ValidOptions): fc.Arbitrary<EventBody> {
  const names = Object.keys(EVENTS) as EventName[]
  const bodies = new Map(names.map((name) => [name, eventBodies(name, options)]))
  const known = fc.constantFrom(...knows)
  const any = fc.constantFrom(...names)
  return fc
    .oneof({ weight: 12, arbitrary: known }, { weight: 1, arbitrary: any })
    .chain((name) => bodies.get(name)!)
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

/** The header that every message carries: the number of its case. */
export const CASE = 'fuzz-case'

export interface Numbered {
  at: number
  message: MessageCase
}

const CHUNK = 250

/** The messages of a target, in chunks: a whole run of them need not be in memory twice. */
export function* drawMessages(
  target: string,
  messages: fc.Arbitrary<MessageCase>,
  options: FuzzOptions,
): Generator<Numbered[]> {
  const { seed, cases, only } = options
  if (only !== undefined) {
    yield [{ at: only, message: sampleCase(messages, { seed, target, at: only }) }]
    return
  }
  for (let from = 0; from < cases; from += CHUNK)
    yield Array.from({ length: Math.min(CHUNK, cases - from) }, (_, index) => {
      const at = from + index
      return { at, message: sampleCase(messages, { seed, target, at }) }
    })
}

/** What is odd about a message, in words; `valid` when nothing is. */
export const kindOf = (...changes: string[]): string =>
  changes.filter((change) => change !== '' && change !== 'valid').join(' + ') || 'valid'
