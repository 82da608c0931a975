import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@lab/kit/wait.ts'
import type { Servers } from '@lab/stack/servers/index.ts'
import type { RunningPart } from '@lab/stack/spec.ts'
import { Agent, request } from 'undici'
import type { ExperimentContext } from '../experiments/experiment.ts'

export interface Answer<Body = Record<string, unknown>> {
  status: number
  body: Body
}

export interface Placed {
  /** 0 where no answer came. */
  status: number
  orderId: string | undefined
  /** From the intended time to the answer. */
  tookMs: number
}

/** Whoever runs the platform, at its gateway. */
export type Restman = Awaited<ReturnType<typeof openRestman>>

const CALL_MS = 15_000

/** How a platform under load is started: a load comes from one address and one account. */
export function loadSettings() {
  // A mail catcher may be shared: nobody else's code comes to this address.
  const admin = `admin-${randomUUID()}@example.com`
  return {
    admin,
    serviceEnv: {
      gateway: { CLIENT_LIMIT: '10000000', ACCOUNT_LIMIT: '10000000' },
      'auth-service': { ADMIN_EMAIL: admin },
    },
  }
}

/** A platform of the run under load: its part, a customer at its gateway, and its analytics from behind. */
export async function startRestman({
  startOther,
  signal,
}: Pick<ExperimentContext<unknown>, 'startOther' | 'signal'>) {
  const { admin, serviceEnv } = loadSettings()
  const part = await startOther('platform-restman', { serviceEnv })
  const restman = await openRestman(part, admin, signal)
  return { part, restman, clickhouse: openClickHouse(part.servers.clickhouse!) }
}

/** Signs in as the admin by the code in the mail, and has a restaurant with three foods. */
export async function openRestman({ services, servers }: RunningPart, admin: string, signal: AbortSignal) {
  const agent = new Agent({ connections: 64, pipelining: 1, headersTimeout: CALL_MS, bodyTimeout: CALL_MS })
  const base = services.gateway!.url
  let token = ''

  async function call<Body = Record<string, unknown>>(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    const response = await request(`${base}${path}`, {
      method,
      dispatcher: agent,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]),
    })
    const text = await response.body.text()
    return { status: response.statusCode, body: (text === '' ? {} : JSON.parse(text)) as Body }
  }

  /** The same where any other answer is a fault of the experiment. */
  async function ask<Body = Record<string, unknown>>(...args: Parameters<typeof call>): Promise<Body> {
    const { status, body } = await call<Body>(...args)
    if (status >= 300) throw new Error(`${args[0]} ${args[1]} answered ${status}: ${JSON.stringify(body)}`)
    return body
  }

  /** What comes to be by an event. */
  const there = (path: string) =>
    until(
      async () => {
        const { status, body } = await call('GET', path)
        return status === 200 && body
      },
      { what: path, timeoutMs: CALL_MS, everyMs: 25, signal },
    )

  await ask('POST', '/api/auth/request-otp', { email: admin })
  const otp = await until(() => codeOf(servers.mail!.apiUrl!, admin), {
    what: 'the code to arrive by mail',
    timeoutMs: 15_000,
    signal,
  })
  const session = await ask<{ session_token: string }>('POST', '/api/auth/verify-otp', { email: admin, otp })
  token = session.session_token

  const { restaurant_id } = await ask('POST', '/api/restaurants', { name: 'Navy Kitchen' })
  const { category_id } = await ask('POST', '/api/categories', { restaurant_id, name: 'Mains' })
  const foodIds: unknown[] = []
  for (const food of FOODS) foodIds.push((await ask('POST', '/api/foods', { ...food, category_id })).food_id)

  return {
    base,
    call,
    ask,
    /** One of each kind of order, in turn. Never rejects: what a customer hears is a figure. */
    async place(at: number, intendedAt = performance.now()): Promise<Placed> {
      const items = [{ food_id: foodIds[at % foodIds.length], quantity: 1 + (at % 3) }]
      const key = { 'idempotency-key': randomUUID() }
      const answer = await call<{ order_id?: string }>(
        'POST',
        '/api/orders',
        { restaurant_id, items },
        key,
      ).catch(() => ({ status: 0, body: {} as { order_id?: string } }))
      const orderId = answer.status < 300 ? answer.body.order_id : undefined
      return { status: answer.status, orderId, tookMs: performance.now() - intendedAt }
    },
    /** The kitchen's next step, as soon as there is a ticket: preparing, ready, delivered. */
    async advance(orderId: string, status: string): Promise<void> {
      const ticket = await there(`/api/kitchen/tickets/order/${orderId}`)
      await ask('PATCH', `/api/kitchen/tickets/${ticket.ticket_id}/status`, { status: status.toUpperCase() })
    },
    /** As soon as there is a bill. */
    async pay(orderId: string): Promise<void> {
      const bill = await there(`/api/billing/bills/order/${orderId}`)
      await ask('POST', `/api/billing/bills/${bill.bill_id}/pay`)
    },
    close: () => agent.destroy(),
  }
}

const FOODS = [
  { name: 'Pizza', price: 10.05 },
  { name: 'Soup', price: 3.5 },
  { name: 'Cake', price: 4.95 },
]

/** The newest code that the mail catcher has for this address. */
async function codeOf(apiUrl: string, address: string): Promise<string | undefined> {
  const read = async (path: string) => (await request(`${apiUrl}${path}`)).body.json()
  const query = encodeURIComponent(`to:${address}`)
  const { messages } = (await read(`/api/v1/search?query=${query}`)) as { messages: { ID: string }[] }
  for (const { ID } of messages) {
    const { Text } = (await read(`/api/v1/message/${ID}`)) as { Text: string }
    const code = /\b\d{6}\b/.exec(Text)?.[0]
    if (code) return code
  }
  return undefined
}

const TABLES = ['orders', 'order_items', 'bills'] as const

/** The analytics database as anybody sees it, over its HTTP interface; with whole numbers and ids there is nothing to quote. */
export function openClickHouse({ url, database }: Servers['clickhouse']) {
  const { origin, username, password } = new URL(url)
  const credentials = [username || 'default', password].map(decodeURIComponent).join(':')
  async function query(sql: string): Promise<string> {
    const { statusCode, body } = await request(`${origin}/?database=${encodeURIComponent(database)}`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
      body: sql,
      signal: AbortSignal.timeout(20_000),
    })
    const text = await body.text()
    if (statusCode !== 200) throw new Error(`ClickHouse answered ${statusCode}: ${text.slice(0, 300)}`)
    return text
  }
  return {
    count: async (table: (typeof TABLES)[number]) =>
      Number(await query(`SELECT count() FROM ${table} FINAL`)),
    orderIds: async () => (await query('SELECT order_id FROM orders')).split('\n').filter(Boolean),
    /** Everything that is stored, each row once, as one number. */
    digest: async () => {
      const sums = TABLES.map((table) =>
        query(`SELECT count(), sum(sipHash64(formatRow('TSV', *))) FROM ${table} FINAL`),
      )
      return (await Promise.all(sums)).map((line) => line.trim()).join(' / ')
    },
    async empty(): Promise<void> {
      for (const table of TABLES) await query(`TRUNCATE TABLE ${table}`)
    },
  }
}

export interface Loaded extends Placed {
  at: number
  /** Milliseconds since the epoch when it was meant to be sent. */
  intendedAt: number
}

/** Places orders at a steady rate, whatever becomes of the earlier ones, until `isOver`. Resolves with all of them answered. */
export async function steadyLoad(
  restman: Restman,
  { rate, isOver, signal }: { rate: number; isOver: (at: number) => boolean; signal: AbortSignal },
): Promise<Loaded[]> {
  const startedAt = performance.now()
  const orders: Promise<Loaded>[] = []
  for (let at = 0; !isOver(at); at++) {
    const intended = startedAt + (at / rate) * 1_000
    const early = intended - performance.now()
    if (early > 0) await sleep(early, undefined, { signal })
    const one = restman.place(at, intended)
    orders.push(one.then((placed) => ({ ...placed, at, intendedAt: performance.timeOrigin + intended })))
  }
  return Promise.all(orders)
}
