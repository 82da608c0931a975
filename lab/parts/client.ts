import { Order, type PlaceOrder } from '@lab/common/domain/order.ts'
import { Stock } from '@lab/common/domain/stock.ts'
import { z } from 'zod'
import { type OrderStreamClient, openOrderStream } from '../load/order-stream.ts'
import { type Answer, openServiceClient, type ServiceClient } from '../load/service-client.ts'
import type { RunningTrio } from '../trio.ts'

const Notification = z.object({ order_id: z.string(), status: z.string(), item: z.string(), at: z.number() })

export type Role = 'order' | 'inventory' | 'third'

export type PartClient = ReturnType<typeof openPartClient>

/** The three services of a running part over HTTP, as any client of theirs sees them. */
export function openPartClient(part: RunningTrio, signal: AbortSignal) {
  const open = (role: Role) => openServiceClient(part[role].url, { signal })
  const clients: Record<Role, ServiceClient> = {
    order: open('order'),
    inventory: open('inventory'),
    third: open('third'),
  }
  const streams: OrderStreamClient[] = []
  const headers = part.adminToken ? { authorization: `Bearer ${part.adminToken}` } : {}

  /** A GET that must answer 200; its body. */
  const read = async (role: Role, path: string, { accept = 'application/json' } = {}) => {
    const answer = await clients[role].get(path, { headers: { accept }, timeoutMs: 60_000 })
    return expectStatus(answer, [200], `GET ${part[role].name}${path}`)
  }
  /** Each row of a list, which is read page after page when it is come to. */
  async function* list<Row>(role: Role, path: string, row: z.ZodType<Row>): AsyncGenerator<Row> {
    for (let next: string | undefined = path; next !== undefined; ) {
      const answer: Answer = await clients[role].get(next, { timeoutMs: 60_000 })
      yield* z.array(row).parse(expectStatus(answer, [200], `GET ${part[role].name}${next}`))
      next = answer.next
    }
  }
  return {
    place: (order: PlaceOrder, headers: Record<string, string> = {}) =>
      clients.order.post('/order', order, { headers, timeoutMs: 30_000 }),
    orders: () => Array.fromAsync(list('order', '/orders', Order)),
    list,
    stock: async () => Stock.parse(await read('inventory', '/stock')),
    notifications: () => Array.fromAsync(list('third', '/notifications', Notification)),
    read,
    /** A POST that must answer 200 or 202; its body. */
    command: async (role: Role, path: string, body: unknown, { timeoutMs = 60_000 } = {}) => {
      const answer = await clients[role].post(path, body, { headers, timeoutMs })
      return expectStatus(answer, [200, 202], `POST ${part[role].name}${path}`)
    },
    /** Switches off every injected fault of a service. */
    clearFaults: async (role: Role) => {
      const answer = await clients[role].delete('/admin/faults', { headers })
      expectStatus(answer, [200], `DELETE ${role}/admin/faults`)
    },
    /** Follows `GET /orders/stream` until this client is disposed of. */
    stream: async () => {
      const stream = await openOrderStream(part.order.url, { orders: clients.order, signal })
      streams.push(stream)
      return stream
    },
    [Symbol.asyncDispose]: async () => {
      for (const stream of streams) await stream.close()
      for (const client of Object.values(clients)) await client.close()
    },
  }
}

function expectStatus({ status, body }: Answer, expected: number[], what: string): unknown {
  if (expected.includes(status)) return body
  throw new Error(`${what} answered ${status}: ${JSON.stringify(body).slice(0, 300)}`)
}
