import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OrderStatus } from '@lab/common/domain/order.ts'
import { newOrderId, orderIdForKey } from '@lab/common/ids.ts'

export interface TestServiceOptions {
  /** HTTP status of the nth order's answer; 'hang' never answers, 'reset' breaks the connection. */
  answer?: (n: number) => number | 'hang' | 'reset'
  /** The order's status in its answer. */
  told?: OrderStatus
  /** Milliseconds before each answer. */
  delayMs?: number
  /** When the stream shows the order as reserved: before its answer, after it, or not at all. */
  shows?: 'before' | 'after' | 'never'
}

/** Starts a real order service on a free port, small enough to behave badly on purpose. */
export async function startTestService(options: TestServiceOptions = {}): Promise<TestService> {
  const service = new TestService(options)
  await service.listen()
  return service
}

export class TestService {
  url = ''
  readonly orders = new Map<string, OrderStatus>()
  /** Order ids that were looked up one by one. */
  readonly asked: string[] = []
  readonly #options: Required<TestServiceOptions>
  readonly #readers = new Set<ServerResponse>()
  readonly #server: Server
  #posts = 0
  #freeAt = 0

  constructor(options: TestServiceOptions) {
    this.#options = { answer: () => 201, told: 'reserved', delayMs: 0, shows: 'never', ...options }
    this.#server = createServer((req, res) => {
      if (req.method === 'POST') this.#place(req, res).catch(() => res.destroy())
      else if (req.url === '/orders/stream') this.#attach(res)
      else this.#tell(req.url!.split('/').at(-1)!, res)
    })
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  posts = (): number => this.#posts

  /** Answers nothing for a while from now on, as a service does that stops the world. */
  stall(ms: number): void {
    this.#freeAt = performance.now() + ms
  }

  show(order_id: string, status: OrderStatus): void {
    this.orders.set(order_id, status)
    const data = JSON.stringify([{ order_id, status, at: Date.now() / 1_000 }])
    for (const reader of this.#readers) reader.write(`event: orders\ndata: ${data}\n\n`)
  }

  /** Breaks the event stream; what is decided until it is read again is not shown. */
  cutStream(): void {
    for (const reader of this.#readers) reader.destroy()
    this.#readers.clear()
  }

  close = async (): Promise<void> => {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #place(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { answer, told, delayMs, shows } = this.#options
    const key = req.headers['idempotency-key']
    const order_id = key === undefined ? newOrderId() : orderIdForKey(String(key))
    let text = ''
    for await (const chunk of req) text += chunk
    const how = answer(this.#posts++)
    if (how === 'hang') return
    if (how === 'reset') {
      req.socket.destroy()
      return
    }
    const pause = delayMs + Math.max(0, this.#freeAt - performance.now())
    if (pause > 0) await sleep(pause)
    this.orders.set(order_id, told)
    if (shows === 'before') this.show(order_id, 'reserved')
    const order = { order_id, ...JSON.parse(text), status: told, timestamp: Date.now() / 1_000 }
    res.writeHead(how, { 'content-type': 'application/json' }).end(how < 500 ? JSON.stringify(order) : '')
    if (shows === 'after') setTimeout(() => this.show(order_id, 'reserved'), 5)
  }

  #attach(res: ServerResponse): void {
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write(': order updates follow\n\n')
    this.#readers.add(res)
    res.on('close', () => this.#readers.delete(res))
  }

  #tell(order_id: string, res: ServerResponse): void {
    this.asked.push(order_id)
    const status = this.orders.get(order_id)
    const order = { order_id, item: 'burger', quantity: 1, status, timestamp: 1 }
    res.writeHead(status ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(order))
  }
}
