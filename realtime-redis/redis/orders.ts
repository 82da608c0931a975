import { createHash, randomInt, randomUUID } from 'node:crypto'
import { LabError } from '@lab/kit/errors.ts'
import type { Connection } from './connect.ts'
import { keys } from './keys.ts'
import { customerCents, hundredths } from './prices.ts'
import type { NewOrder, PizzaOrder } from './schemas.ts'
import { CHANGE, CREATE, FIGURES, FIND, PAGE, STATE, TRACK, TRAIL } from './scripts.ts'
import { NEXT, STATUSES, type Status, statusOf } from './statuses.ts'

/** How long a repeat of a command is known as one. */
const COMMAND_SECONDS = 86_400

export interface OrdersOptions {
  connection: Connection
  /** Events the stream keeps. */
  eventsKept: number
  /** Which day a moment is in. */
  dayOf: (at: Date) => string
  now?: () => Date
  newIds?: (kind: 'customer' | 'supplier') => string[]
}

/** Something that is to happen to an order; the event names what. */
export interface Change {
  id: string
  event: string
  set: Partial<Pick<PizzaOrder, Given>>
  phone?: string | undefined
}
type Given =
  | 'customer_name'
  | 'delivery_address'
  | 'driver_name'
  | 'estimated_delivery_time'
  | 'supplier_notes'

/** Something that has happened: the order as JSON, the status it was in and for how long, and since when it was on its way. */
export interface Changed {
  order: string
  from: Status
  waitedMs: number
  drivenMs: number
}

export interface Refusal {
  /** Its place among the changes. */
  at: number
  why: 'unknown' | 'illegal' | 'missing'
  current?: Status
  field?: string
}

/** What the wire does not show of an order. */
export interface Meta {
  version: number
  trackingId: string
  supplierTrackingId: string
  driverPhone: string | null
  /** When it reached a status, milliseconds since the epoch. */
  at: Partial<Record<Status, number>>
}

export interface Row {
  /** Orders below this one are older. */
  number: string
  order: string
  version: number
}

/** The orders in Redis. Whatever changes one is one script; every call is bounded by the connection's time-out. */
export type Orders = ReturnType<typeof createOrders>

export function createOrders(options: OrdersOptions) {
  const { connection, eventsKept, dayOf, now = () => new Date(), newIds = drawIds } = options
  const { run } = connection

  async function create(order: NewOrder, key?: string) {
    const at = now()
    const [price, markup] = [hundredths(order.supplier_price)!, hundredths(order.markup_percentage)!]
    const input = {
      order: {
        id: randomUUID(),
        ...order,
        status: STATUSES[0],
        created_at: at.toISOString(),
        updated_at: at.toISOString(),
        customer_price: null,
        customer_name: null,
        delivery_address: null,
        driver_name: null,
        estimated_delivery_time: null,
        supplier_notes: null,
      } satisfies PizzaOrder,
      customer_price: customerCents(price, markup) / 100,
      ...(key !== undefined && { key }),
      hash: hashOf(order),
      now: at.getTime(),
      kept: eventsKept,
      key_seconds: COMMAND_SECONDS,
    }
    for (let draw = 0; draw < 3; draw++) {
      const ids = { customer_ids: newIds('customer'), supplier_ids: newIds('supplier') }
      const [outcome, json, trackingId, supplierTrackingId] = (await run(
        CREATE,
        JSON.stringify({ ...input, ...ids }),
      )) as [string, string, string, string]
      if (outcome === 'reused')
        throw new LabError('LAB_KEY_REUSED', `Idempotency-Key '${key}' was sent with another order`)
      if (outcome !== 'taken') return { isNew: outcome === 'created', json, trackingId, supplierTrackingId }
    }
    throw new LabError('LAB_OVERLOADED', 'No id for tracking is free', { retryable: true })
  }

  /** All of the changes, in order, or none; `batch` names them as one command that is done once. */
  async function change(
    changes: readonly Change[],
    batch?: { id: string; answer: (at: Date) => string },
  ): Promise<{ changed: Changed[] } | { refused: Refusal[] } | { known: string }> {
    const at = now()
    const input = {
      changes: changes.map((one) => ({ ...one, to: statusOf(one.event) })),
      now: at.getTime(),
      at: at.toISOString(),
      day: dayOf(at),
      kept: eventsKept,
      ...(batch && {
        batch: batch.id,
        correlation: batch.id,
        hash: hashOf(changes),
        answer: batch.answer(at),
        batch_seconds: COMMAND_SECONDS,
      }),
    }
    const [outcome, ...rest] = (await run(CHANGE, JSON.stringify(input))) as [string, ...never[]]
    if (outcome === 'known') return { known: rest[0]! }
    if (outcome === 'reused')
      throw new LabError('LAB_KEY_REUSED', `correlation_id '${batch?.id}' was sent with other events`)
    if (outcome === 'refused') return { refused: (rest as RawRefusal[]).map(refusalOf) }
    return {
      changed: (rest as [string, Status, number, number][]).map(([order, from, waitedMs, drivenMs]) => ({
        order,
        from,
        waitedMs,
        drivenMs,
      })),
    }
  }

  return {
    create,
    change,
    /** As JSON. */
    get: (id: string) => connection.get(keys.order(id)),

    async find(id: string): Promise<{ order: PizzaOrder; meta: Meta } | undefined> {
      const [json, meta] = (await run(FIND, id)) as [string?, string[]?]
      return json && meta ? { order: JSON.parse(json), meta: metaOf(meta) } : undefined
    },

    /** The events of an order, as JSON, and how many of them the stream has let go. */
    async trail(id: string): Promise<{ events: string[]; gone: number } | undefined> {
      const [events, gone] = (await run(TRAIL, id)) as [string[]?, number?]
      return events && { events, gone: gone ?? 0 }
    },

    /** Newest first; `before` is the number of the last one of the page before. */
    async page({
      status,
      before,
      limit,
    }: {
      status?: Status | undefined
      before?: string | undefined
      limit: number
    }) {
      const key = status === undefined ? keys.all : keys.status(status)
      const rows = (await run(PAGE, key, before === undefined ? '+inf' : `(${before}`, limit)) as string[][]
      return rows.map(
        ([number, order, version]): Row => ({
          number: number!,
          order: order!,
          version: Number(version),
        }),
      )
    },

    /** Counts of all statuses, and of each listed one its newest orders, in one look. */
    async state({ limit, listed }: { limit: number; listed: readonly Status[] }) {
      const [counts, completedToday, lists, drivers] = (await run(
        STATE,
        limit,
        dayOf(now()),
        JSON.stringify(STATUSES),
        JSON.stringify(listed),
      )) as [number[], number, string[][], [string, string, string][]]
      return {
        counts: Object.fromEntries(STATUSES.map((status, at) => [status, counts[at]!])) as Counts,
        completedToday,
        lists: listed.map((status, at) => [status, lists[at]!] as const),
        drivers: drivers.map(([order, phone, ms]) => ({
          order: JSON.parse(order) as PizzaOrder,
          phone: phone || null,
          dispatchedAt: Number(ms),
        })),
      }
    },

    async track(id: string, client: string, { guesses, seconds }: { guesses: number; seconds: number }) {
      const [outcome, first, meta] = (await run(TRACK, id, client, guesses, seconds)) as [
        string,
        never?,
        never?,
      ]
      if (outcome === 'limited') return { retrySeconds: Math.max(1, Number(first)) }
      if (outcome === 'unknown') return undefined
      return { order: JSON.parse(first!) as PizzaOrder, meta: metaOf(meta!) }
    },

    async figures(limit: number) {
      const [suppliers, drivers] = (await run(FIGURES, limit)) as [string[][], string[][]]
      return { suppliers, drivers }
    },
  }
}

export type Counts = Record<Status, number>

type RawRefusal = [at: number, why: Refusal['why'], detail: string]

function refusalOf([at, why, detail]: RawRefusal): Refusal {
  if (why === 'illegal') return { at, why, current: detail as Status }
  return why === 'missing' ? { at, why, field: detail } : { at, why }
}

/** What a refusal says to people. */
export function reasonOf({ why, current, field }: Refusal, { id, event }: Change): string {
  if (why === 'unknown') return `order ${id} does not exist`
  if (why === 'missing') return `${field} is required for ${event}`
  const allowed = NEXT[current!]
  return `${statusOf(event)} is not allowed from ${current}, only ${allowed.join(', ') || 'nothing'}`
}

function metaOf(flat: string[]): Meta {
  const fields = new Map<string, string>()
  for (let at = 0; at < flat.length; at += 2) fields.set(flat[at]!, flat[at + 1]!)
  const moments = [...fields].filter(([name]) => name.startsWith('at:'))
  return {
    version: Number(fields.get('version')),
    trackingId: fields.get('tracking_id')!,
    supplierTrackingId: fields.get('supplier_tracking_id')!,
    driverPhone: fields.get('driver_phone') ?? null,
    at: Object.fromEntries(moments.map(([name, ms]) => [name.slice(3), Number(ms)])),
  }
}

const hashOf = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('base64url')

/** How many ids a creation may choose from: with a tenth of the ids taken, one in a hundred million creations finds none free. */
const DRAWN = 8
const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Customers get 8 digits, suppliers SUP- and 40 bits. All from the system's generator: nobody can tell the next from the last. */
function drawIds(kind: 'customer' | 'supplier'): string[] {
  return Array.from({ length: DRAWN }, () =>
    kind === 'customer'
      ? String(randomInt(100_000_000)).padStart(8, '0')
      : `SUP-${Array.from({ length: 8 }, () => BASE32[randomInt(32)]).join('')}`,
  )
}
