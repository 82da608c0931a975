import { createHash } from 'node:crypto'
import { InventoryEvent, InventoryReserved, OrderPlaced, sameOrder } from '@lab/common/domain/events.ts'
import type { z } from 'zod'
import type { Letter, LetterDetail, Verdict } from '../../wire/desk.ts'

/** A dead letter, whole, as its broker has it. */
export interface DeadLetter {
  id: string
  part: string
  origin: string | undefined
  reason: string
  diedAt: number | undefined
  attempts: number | undefined
  body: Buffer
  key: string | null | undefined
  messageId: string | undefined
  headers: Record<string, unknown>
  properties: Record<string, unknown>
  at: string
  cameFrom: string | undefined
}

/** Own headers, on both brokers: what a broker counts itself differs from version to version. */
export const REDRIVES = 'x-redrives'
export const REPLACES = 'x-replaces'
/** Tells one sending from every other, also of a message without an id. */
export const REDRIVE = 'x-redrive'

const MAX_EVENT_BYTES = 64 * 1024
const PREVIEW = 200

/** The queues and topics that letters go back to, and what their consumers take. Nothing else is ever sent to. */
const SCHEMAS: Record<string, z.ZodType<OrderPlaced | InventoryEvent>> = {
  inventory_queue: OrderPlaced,
  notification_queue: InventoryReserved,
  order_status_queue: InventoryEvent,
  'order-events': OrderPlaced,
  'inventory-events': InventoryEvent,
}

const hasWayBack = (origin: string | undefined): origin is string =>
  origin !== undefined && Object.hasOwn(SCHEMAS, origin)

/** What the consumer of `origin` will say of a body, as far as its schema goes. */
export function verdictOf(body: Buffer | string, origin: string | undefined): Verdict {
  if (!hasWayBack(origin))
    return { ok: false, problems: ['it does not say from which queue or topic it came'] }
  const bytes = Buffer.from(body)
  if (bytes.length > MAX_EVENT_BYTES)
    return { ok: false, problems: [`${bytes.length} bytes, the limit is ${MAX_EVENT_BYTES}`] }
  const json = parseJson(bytes)
  if (json === undefined) return { ok: false, problems: ['not JSON'] }
  const { data, error } = SCHEMAS[origin]!.safeParse(json)
  if (error) return { ok: false, problems: error.issues.map(describeIssue) }
  if (!sameOrder(data)) return { ok: false, problems: ['subject and data.order_id are two orders'] }
  return { ok: true, problems: [] }
}

const describeIssue = ({ path, message }: z.core.$ZodIssue) => `${path.join('.') || 'body'}: ${message}`

export function parseJson(body: Buffer | string): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined // JSON has no `undefined`: it stands for "not JSON"
  }
}

interface Envelope {
  id?: unknown
  type?: unknown
  subject?: unknown
  traceparent?: unknown
  replaces?: unknown
}

/** What a body says of itself, as far as it is an object. */
export const envelopeOf = (body: Buffer | string): Envelope => {
  const json = parseJson(body)
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? json : {}
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.slice(0, 300) : undefined

/** The same bytes with the same fate are one id at every look; a second copy that differs in nothing gets another by `nth`. */
export function letterId(facts: readonly unknown[], body: Buffer, nth: (id: string) => number): string {
  const id = createHash('sha256').update(JSON.stringify(facts)).update(body).digest('hex').slice(0, 16)
  const before = nth(id)
  return before === 0 ? id : `${id}-${before + 1}`
}

/** Counts what it is asked for. */
export function counter(): (id: string) => number {
  const seen = new Map<string, number>()
  return (id) => {
    const before = seen.get(id) ?? 0
    seen.set(id, before + 1)
    return before
  }
}

/** Ids, numbers and quotations differ from letter to letter; what is left tells one mistake from another. */
const groupOf = (reason: string): string =>
  reason
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, '…')
    .replaceAll(/'[^']*'|"[^"]*"/g, '…')
    .replaceAll(/\d+/g, 'N')
    .slice(0, 200)

export function summaryOf(letter: DeadLetter): Letter {
  const { id, part, origin, reason, diedAt, attempts, body, headers, properties } = letter
  const envelope = envelopeOf(body)
  const replaces = text(headers[REPLACES]) ?? text(envelope.replaces)
  const order_id = text(envelope.subject) ?? text(properties.correlationId)
  const message_id = text(letter.messageId) ?? text(envelope.id)
  const type = text(envelope.type) ?? text(properties.type)
  return {
    id,
    part,
    ...(origin !== undefined && { origin }),
    reason,
    group: groupOf(reason),
    ...(diedAt !== undefined && { died_at: diedAt }),
    ...(attempts !== undefined && { attempts }),
    redrives: redrivesOf(letter),
    ...(replaces !== undefined && { replaces }),
    ...(message_id !== undefined && { message_id }),
    ...(order_id !== undefined && { order_id }),
    ...(type !== undefined && { type }),
    size: body.length,
    preview: body.subarray(0, PREVIEW).toString(),
  }
}

function redrivesOf({ headers }: Pick<DeadLetter, 'headers'>): number {
  const count = Number(headers[REDRIVES] ?? 0)
  return Number.isSafeInteger(count) && count > 0 ? count : 0
}

export function detailOf(letter: DeadLetter): Omit<LetterDetail, 'order'> {
  const { body, key, headers, properties, at, cameFrom, origin } = letter
  const trace = text(envelopeOf(body).traceparent) ?? text(headers.traceparent)
  return {
    ...summaryOf(letter),
    body: body.toString(),
    is_text: Buffer.from(body.toString()).equals(body),
    at,
    ...(cameFrom !== undefined && { came_from: cameFrom }),
    ...(typeof key === 'string' && { key }),
    headers: asTexts(headers),
    properties: asTexts(properties),
    ...(trace !== undefined && { trace }),
    verdict: verdictOf(body, origin),
  }
}

const asTexts = (table: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(table)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, typeof value === 'string' ? value : (JSON.stringify(value) ?? '')]),
  )

/** What goes back in the place of a letter. */
export interface Replacement {
  body: Buffer
  /** Absent when everything stays as it was. */
  event?: { id: string; type: string; subject: string }
  replaces?: string
  /** How often it was sent back, this time included. */
  redrives: number
  /** Of this sending alone. */
  token: string
}

export class NotReplaceable extends Error {}

/**
 * What goes back: the letter as it is, or an event (as it was, or edited) under a new message id beside the old one. Throws
 * `NotReplaceable` when there is no way back or when the schema refuses the event.
 */
export function replacementOf(
  letter: DeadLetter,
  {
    mode,
    edited,
    newId,
    token,
  }: { mode: 'new-id' | 'unchanged'; edited?: string; newId: string; token: string },
): Replacement {
  const { origin, body } = letter
  if (!hasWayBack(origin))
    throw new NotReplaceable(
      `its origin '${origin ?? 'unknown'}' is no queue or topic that letters go back to`,
    )
  const redrives = redrivesOf(letter) + 1
  if (edited === undefined && mode === 'unchanged') return { body, redrives, token }

  const verdict = verdictOf(edited ?? body, origin)
  if (!verdict.ok)
    throw new NotReplaceable(`the schema of ${origin} refuses it: ${verdict.problems.join('; ')}`)
  const event = parseJson(edited ?? body) as { id: string; type: string; subject: string }
  const replaces = text(letter.messageId) ?? text(envelopeOf(body).id)
  const sent = { ...event, id: newId, ...(replaces !== undefined && { replaces }) }
  return {
    body: Buffer.from(JSON.stringify(sent)),
    event: { id: newId, type: event.type, subject: event.subject.toLowerCase() },
    ...(replaces !== undefined && { replaces }),
    redrives,
    token,
  }
}
