import { nextIn } from '@lab/kit/paging.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { localContext } from '@lab/stack/fixtures/lab.ts'
import { type StartPartOptions, startPart } from '@lab/stack/part.ts'
import { openRunDir } from '@lab/stack/run-dir.ts'
import { type Servers, startServer } from '@lab/stack/servers/index.ts'
import type { ServiceProcess } from '@lab/stack/service.ts'
import type { RunningPart } from '@lab/stack/spec.ts'
import { part as spec } from '../part.ts'
import { type Client, clientOf } from '../redis/connect.ts'
import type { OrderEvent, PizzaOrder } from '../redis/schemas.ts'
import type { Status } from '../redis/statuses.ts'

export interface Platform {
  redis: Servers['redis']
  part: RunningPart
  service: ServiceProcess
  url: string
  close(): Promise<void>
}

export const acl = spec.serverOptions!.redis!.acl!

/** A private Redis with the ACL of the part, and the platform service; the page where it is asked for. */
export async function openPlatform(
  env: Record<string, string> = {},
  { hasPage = false, ...options }: Partial<StartPartOptions> & { hasPage?: boolean } = {},
): Promise<Platform> {
  const run = await openRunDir()
  try {
    const redis = await startServer('redis', localContext(run), { acl })
    const services = spec.services.filter(({ page }) => hasPage || !page)
    const part = await startPart({ ...spec, services }, { run, servers: { redis }, env, ...options })
    const service = part.services['platform-service']!
    const close = async () => {
      await part.close()
      await run.close()
    }
    return { redis, part, service, url: service.url, close }
  } catch (err) {
    await run.close()
    throw err
  }
}

/** What the HTTP door answered. */
// biome-ignore lint/suspicious/noExplicitAny: a test asserts what it is
export interface Answer<Body = any> {
  status: number
  headers: Headers
  body: Body
}

export const offer = (over: object = {}) => ({
  supplier_name: 'Pizza Palace',
  pizza_name: 'Margherita',
  supplier_price: 10,
  markup_percentage: 30,
  ...over,
})

/** The way of a pizza that nobody stops, with what each step is asked with. */
export const WAY: readonly [Status, string][] = [
  ['supplier_accepted', 'supplier-respond?accept=true&notes=Fresh%20ingredients&estimated_time=30'],
  ['customer_accepted', 'customer-accept?customer_name=John%20Doe&delivery_address=123%20Main%20St'],
  ['preparing', 'status?status=preparing'],
  ['ready', 'status?status=ready'],
  ['dispatched', 'dispatch?driver_name=Mike%20Driver&driver_phone=555-0123'],
  ['in_transit', 'status?status=in_transit'],
  ['delivered', 'status?status=delivered'],
]

/** The platform as anybody speaks to it. */
export class Api {
  readonly url: string
  constructor(url: string) {
    this.url = url
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const isText = typeof body === 'string'
    const response = await fetch(this.url + path, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json')
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }
  get = (path: string, headers?: Record<string, string>) => this.send('GET', path, undefined, headers)
  post = (path: string, body?: unknown, headers?: Record<string, string>) =>
    this.send('POST', path, body, headers)
  step = (id: string, what: string, body?: unknown) => this.post(`/api/orders/${id}/${what}`, body)

  async create(over: object = {}): Promise<PizzaOrder> {
    return ok(await this.post('/api/orders', offer(over)), 201)
  }
  /** An order that has come this far. */
  async orderAt(status: Status, over: object = {}): Promise<PizzaOrder> {
    let order = await this.create(over)
    for (const [reached, ask] of WAY) {
      if (order.status === status) return order
      order = ok(await this.step(order.id, ask))
      if (reached === status) return order
    }
    if (status === 'cancelled') throw new Error('an order is cancelled by a step of its own')
    return order
  }
  batch = (events: object[], correlation_id?: string) =>
    this.post('/api/events/batch', { events, ...(correlation_id !== undefined && { correlation_id }) })
}

function ok(answer: Answer, status = 200): PizzaOrder {
  if (answer.status !== status) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}

/** What a page knows: built from nothing but what its WebSocket was sent, over any number of connections. */
export class Window {
  readonly orders = new Map<string, { order: PizzaOrder; version: number }>()
  readonly events: OrderEvent[] = []
  readonly controls: string[] = []
  seq = 0
  epoch: string | undefined
  missed = 0
  isLive = false
  closed: { code: number; reason: string } | undefined
  socket: WebSocket | undefined
  readonly #origin: string | undefined

  constructor(origin?: string) {
    this.#origin = origin
  }

  /** Resolves when it has caught up. */
  async open(url: string): Promise<this> {
    this.connect(url)
    await waitFor('a window to catch up', () => this.isLive)
    return this
  }

  connect(url: string): void {
    this.close()
    const epoch = this.epoch === undefined ? '' : `&epoch=${this.epoch}`
    const headers = this.#origin === undefined ? {} : { origin: this.#origin }
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?last_seq=${this.seq}${epoch}`, {
      headers,
    } as never)
    this.socket = socket
    this.closed = undefined
    let missing = 0
    let isFirst = true
    socket.addEventListener('message', ({ data }) => {
      if (this.socket !== socket) return
      const message = JSON.parse(data)
      const { event_type } = message
      if (event_type.startsWith('stream.')) this.controls.push(event_type)
      if (event_type === 'stream.stale') this.isLive = false
      else if (event_type === 'stream.live') this.isLive = true
      else if (event_type === 'stream.resumed') {
        missing = message.missed
        this.missed += missing
        this.isLive = missing === 0
      } else if (event_type === 'stream.snapshot') {
        if (isFirst) this.orders.clear()
        isFirst = false
        for (const { order, order_version } of message.orders) this.#apply(order, order_version)
        if (message.more) return
        this.epoch = message.epoch
        this.seq = message.seq
        this.isLive = true
      } else {
        if (message.seq !== this.seq + 1) throw new Error(`seq ${message.seq} came after ${this.seq}`)
        this.seq = message.seq
        this.events.push(message)
        this.#apply(message.order, message.order_version)
        if (missing > 0 && --missing === 0) this.isLive = true
      }
    })
    socket.addEventListener('close', ({ code, reason }) => {
      if (this.socket !== socket) return
      this.isLive = false
      this.closed = { code, reason }
    })
    socket.addEventListener('error', () => {
      // It closes, too.
    })
  }

  #apply(order: PizzaOrder, version: number): void {
    if (version > (this.orders.get(order.id)?.version ?? 0)) this.orders.set(order.id, { order, version })
  }

  close(): void {
    const { socket } = this
    this.socket = undefined
    this.isLive = false
    socket?.close()
  }

  /** Every order it shows, by id. */
  shown = () => Object.fromEntries([...this.orders].map(([id, { order }]) => [id, order]))
}

/** Every order as the HTTP door has it, over all pages. */
export async function allOrders(api: Api): Promise<Record<string, PizzaOrder>> {
  const orders: PizzaOrder[] = []
  for (let path: string | undefined = '/api/orders'; path !== undefined; ) {
    const { body, headers }: Answer<PizzaOrder[]> = await api.get(path)
    orders.push(...body)
    path = nextIn(headers.get('link'))
  }
  return Object.fromEntries(orders.map((order) => [order.id, order]))
}

/** A client of the lab's own user, who may look at everything. */
export async function lookInto({ redis, part }: Platform): Promise<Client> {
  const { host, port, admin } = redis
  const env = {
    REDIS_HOST: host,
    REDIS_PORT: port,
    REDIS_USERNAME: admin.username,
    REDIS_PASSWORD: admin.password,
  }
  const client = clientOf(
    { ...env, REDIS_DB: part.servers.redis!.db, REDIS_TLS: false, REDIS_TIMEOUT_MS: 5_000 },
    'test',
  )
  client.on('error', () => {
    // Whoever asks hears of it.
  })
  await client.connect()
  return client
}
