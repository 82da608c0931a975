import type { PizzaOrder } from '../../redis/schemas.ts'
import type { Status } from '../../redis/statuses.ts'

/** The platform of the seed's development setup. */
const DEFAULT_URL = 'http://localhost:8000'
const ANSWER_MS = 8_000
const CREATE_TRIES = 3

/**
 * Where the platform is: what the place says in which this build is served (`config.json`), else what it was built for
 * (`VITE_API_URL`), else this machine.
 */
export async function findApi(): Promise<string> {
  const built: unknown = import.meta.env.VITE_API_URL
  const url = (await servedUrl()) ?? (typeof built === 'string' && built !== '' ? built : DEFAULT_URL)
  return url.replace(/\/+$/, '')
}

async function servedUrl(): Promise<string | undefined> {
  try {
    const response = await fetch('/config.json', { signal: AbortSignal.timeout(3_000) })
    const { apiUrl } = (await response.json()) as { apiUrl?: unknown }
    return typeof apiUrl === 'string' && apiUrl !== '' ? apiUrl : undefined
  } catch {
    return undefined // a host that serves the files alone, and perhaps a page in place of what is missing
  }
}

/** What the platform, or nobody, answered in place of what was asked for; the message is for people. */
export class Refused extends Error {
  /** Undefined when nobody answered. */
  readonly status: number | undefined
  constructor(message: string, status?: number) {
    super(message)
    this.status = status
  }
}

export interface NewOrder {
  supplier_name: string
  pizza_name: string
  supplier_price: number
  markup_percentage: number
}
export interface Delivery {
  driver_name: string | null
  driver_phone: string | null
  progress_percentage: number
  estimated_arrival: string
  timeline: Record<'dispatched_at' | 'in_transit_at' | 'delivered_at', string | null>
}
export interface SystemState {
  statistics: Record<'total_orders' | 'active_deliveries' | 'completed_today' | Status, number>
  active_drivers: {
    driver_name: string
    driver_phone: string | null
    order_id: string
    status: Status
    dispatched_at: string
  }[]
  last_updated: string
}
export interface Tracking {
  tracking_id: string
  supplier_tracking_id: string
}
export interface Step {
  event_type: string
  timestamp: string
  seq: number
}
export interface Health {
  /** Of the last event the platform knows; null while it has lost sight of Redis. */
  seq: number | null
}

export type Api = ReturnType<typeof createApi>

export function createApi(url: string) {
  const at = (id: string, path: string) => `/api/orders/${encodeURIComponent(id)}/${path}`
  const get = <Answer>(path: string, signal?: AbortSignal) => ask<Answer>(url + path, {}, signal)
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    ask<PizzaOrder>(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  return {
    wsUrl: `${url.replace(/^http/, 'ws')}/ws`,

    /** The same order however often it is sent under a key: it is sent again where nobody answered. */
    async create(order: NewOrder, key: string): Promise<PizzaOrder> {
      for (let tries = 1; ; tries++) {
        try {
          return await post('/api/orders', order, { 'idempotency-key': key })
        } catch (err) {
          const mayHelp = err instanceof Refused && (err.status === undefined || err.status >= 500)
          if (!mayHelp || tries === CREATE_TRIES) throw err
          await new Promise((resolve) => setTimeout(resolve, tries * 500 * (0.5 + Math.random())))
        }
      }
    },
    respond: (id: string, answer: { accept: boolean; notes?: string; estimated_time?: number }) =>
      post(at(id, 'supplier-respond'), answer),
    buy: (id: string, customer: { customer_name: string; delivery_address: string }) =>
      post(at(id, 'customer-accept'), customer),
    dispatch: (id: string, driver: { driver_name: string; driver_phone?: string }) =>
      post(at(id, 'dispatch'), driver),
    setStatus: (id: string, status: Status) => post(at(id, 'status'), { status }),

    delivery: (id: string, signal: AbortSignal) => get<Delivery>(at(id, 'delivery'), signal),
    tracking: (id: string, signal: AbortSignal) => get<Tracking>(at(id, 'tracking'), signal),
    trail: (id: string, signal: AbortSignal) => get<Step[]>(at(id, 'events'), signal),
    state: (signal: AbortSignal) => get<SystemState>('/api/state?include_completed=false&limit=1', signal),
    health: (signal: AbortSignal) => get<Health>('/health', signal),
  }
}

async function ask<Answer>(url: string, init: RequestInit, signal?: AbortSignal): Promise<Answer> {
  const timeout = AbortSignal.timeout(ANSWER_MS)
  let response: Response
  try {
    response = await fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, timeout]) : timeout })
  } catch {
    signal?.throwIfAborted()
    throw new Refused(
      timeout.aborted ? 'The platform does not answer in time' : 'The platform cannot be reached',
    )
  }
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok) return body as Answer
  throw new Refused(reasonOf(body) ?? `The platform answered ${response.status}`, response.status)
}

/** Of a problem document. */
function reasonOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { detail, title } = body as { detail?: unknown; title?: unknown }
  return [detail, title].find((text): text is string => typeof text === 'string' && text !== '')
}

/** Not `crypto.randomUUID`: a page over plain HTTP from another machine, a phone's for instance, has none. */
export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  )
