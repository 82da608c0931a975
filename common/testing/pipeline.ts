import { nextIn } from '@lab/kit/paging.ts'
import { waitFor } from '@lab/kit/wait.ts'
import type { Order, PlaceOrder } from '../domain/order.ts'
import { isTerminal } from '../domain/order.ts'
import type { Stock } from '../domain/stock.ts'

/** One service as the contract sees it: an address, and a process that can be stopped, killed and started again. */
export interface Service {
  url: string
  /** Where its output goes. */
  logFile: string
  start: () => Promise<void>
  stop: () => Promise<unknown>
  kill: () => Promise<void>
}

/** The three services of one part, and the few things only its transport can do. */
export interface Pipeline {
  order: Service
  inventory: Service
  third: Service
  /** Delivers the message that announced this order once more, with the same message id. */
  repeat: (order_id: string) => Promise<void>
  /** Puts a raw body where the inventory service reads. */
  poison?: (body: string) => Promise<void>
  deadLetters?: () => Promise<{ reason: string; body: string }[]>
  /** What its services know and nobody else may learn. */
  secrets?: string[]
  close: () => Promise<void>
}

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: answers of every kind, which the assertions take apart
  json: any
}

const TIMEOUT_MS = 20_000

export async function call(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const res = await fetch(url, {
    method,
    headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const text = await res.text()
  const isJson = /json/.test(res.headers.get('content-type') ?? '')
  return { status: res.status, headers: res.headers, json: isJson ? JSON.parse(text) : text }
}

export const place = ({ order }: Pipeline, command: PlaceOrder, headers?: Record<string, string>) =>
  call('POST', `${order.url}/order`, command, headers)

/** All of a list, page after page. */
export async function listed<Row>({ url }: Pick<Service, 'url'>, path: string): Promise<Row[]> {
  const rows: Row[] = []
  for (let next: string | undefined = path; next !== undefined; ) {
    const { status, json, headers }: Answer = await call('GET', url + next)
    if (status !== 200) throw new Error(`GET ${url}${next} answered ${status}`)
    rows.push(...json)
    next = nextIn(headers.get('link'))
  }
  return rows
}

export const ordersOf = ({ order }: Pipeline): Promise<Order[]> => listed(order, '/orders')

export const stockOf = async ({ inventory }: Pipeline): Promise<Stock> =>
  (await call('GET', `${inventory.url}/stock`)).json

export const notificationsOf = ({ third }: Pipeline): Promise<{ order_id: string }[]> =>
  listed(third, '/notifications')

export const isReserved = ({ status }: Order) => status === 'reserved' || status === 'notified'

/** Waits until this order is decided. */
export const decided = ({ order }: Pipeline, order_id: string): Promise<Order> =>
  waitFor(`order ${order_id} to be decided`, async () => {
    const { json } = await call('GET', `${order.url}/orders/${order_id}`)
    return isTerminal(json.status) ? json : undefined
  })

/** Waits until every order the service knows is decided, and gives them all back. */
export const allDecided = (pipeline: Pipeline, timeoutMs = 40_000): Promise<Order[]> =>
  waitFor(
    'every order to be decided',
    async () => {
      const orders = await ordersOf(pipeline)
      const open = orders.filter(({ status }) => !isTerminal(status))
      if (open.length > 0)
        throw new Error(`${open.length} of ${orders.length} are open, the first is ${open[0]?.order_id}`)
      return orders
    },
    { timeoutMs, everyMs: 200 },
  )
