import { randomUUID } from 'node:crypto'
import { until } from '@lab/kit/wait.ts'
import type { RunningPart } from '@lab/stack/spec.ts'
import { Agent, request } from 'undici'

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
