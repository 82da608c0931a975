import type { ServerResponse } from 'node:http'
import { LabError } from '@lab/kit/errors.ts'
import type { FastifyReply } from 'fastify'
import type { OrderStatus } from './domain/order.ts'

/** One step of an order. `at` is when the service learnt of it, seconds since the epoch. */
export interface OrderUpdate {
  order_id: string
  status: OrderStatus
  at: number
}

const FLUSH_MS = 5
const HEARTBEAT_MS = 15_000
const MAX_UNSENT_BYTES = 8 * 1024 * 1024

/**
 * Server-sent events of order updates, in batches: a publish costs an array push, and each client one write every 5 ms.
 * A client that reads too slowly is cut off (it can reconnect and read `GET /orders`); it never slows an order down.
 */
export class OrderStream {
  readonly #clients = new Set<ServerResponse>()
  #pending: OrderUpdate[] = []
  #timer: NodeJS.Timeout | undefined
  readonly #heartbeat = setInterval(() => this.#write(': still here\n\n'), HEARTBEAT_MS).unref()
  readonly #maxClients: number

  constructor(maxClients = 64) {
    this.#maxClients = maxClients
  }

  publish(updates: OrderUpdate[]): void {
    if (this.#clients.size === 0) return
    for (const update of updates) this.#pending.push(update)
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS)
  }

  /** Hands the response over to the stream until the client leaves or the service stops. */
  attach(reply: FastifyReply): void {
    if (this.#clients.size >= this.#maxClients) {
      throw new LabError('LAB_OVERLOADED', `${this.#maxClients} clients already read this stream`, {
        retryable: true,
      })
    }
    reply.hijack()
    const client = reply.raw
    client.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      connection: 'keep-alive',
    })
    client.write('retry: 1000\n: order updates follow\n\n')
    this.#clients.add(client)
    client.on('close', () => this.#clients.delete(client))
    client.on('error', () => this.#clients.delete(client))
  }

  close(): void {
    clearInterval(this.#heartbeat)
    this.#flush()
    for (const client of this.#clients) client.end()
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#pending.length === 0) return
    this.#write(`event: orders\ndata: ${JSON.stringify(this.#pending)}\n\n`)
    this.#pending = []
  }

  #write(text: string): void {
    for (const client of this.#clients) {
      if (client.writableLength > MAX_UNSENT_BYTES) client.destroy()
      else client.write(text)
    }
  }
}
