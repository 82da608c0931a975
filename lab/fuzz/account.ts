import { ITEMS, Item, Order } from '@lab/common/domain/order.ts'
import type { Stock } from '@lab/common/domain/stock.ts'
import { z } from 'zod'
import type { HistoryRecord } from '../ledger/history.ts'
import { isReserved } from '../ledger/observed.ts'
import type { LedgerVerdict } from '../ledger/verdict.ts'
import type { Running } from '../part.ts'
import { watchPart } from '../parts/index.ts'
import { ledgerOf } from '../parts/ledger.ts'
import { bulkRecords } from '../parts/streaming-kafka.ts'
import type { TrioService } from '../trio.ts'
import { type Answer, type HttpCase, jsonOf } from './http/exchange.ts'
import { parseBody } from './json.ts'
import { missing } from './messages/consumers.ts'
import type { Complaint } from './results.ts'

/** Stock enough for every order, and of one item too little, so that refusals for want of stock are met as well. */
export const STOCK: Stock = { burger: 1_000_000_000, pizza: 1_000_000_000, salad: 2_000 }

const SETTLE_MS = 120_000

export type Account = ReturnType<typeof openAccount>

const Bulk = z.object({ accepted: z.int(), first_order_id: z.string().nullable() })
const BulkOf = z.object({ item: Item.optional(), quantity: z.int().optional() })
const Reserve = z.object({ order_id: z.string(), item: Item, quantity: z.number() })
const Reserved = z.object({ order_id: z.string(), status: z.literal('reserved') })
const Released = z.object({ order_id: z.string(), released: z.boolean() })
const Sent = z.object({ order_id: z.string(), sent: z.boolean() })

/** What accepted requests have promised, held against what the part has in the end. */
export function openAccount(running: Running) {
  const { part, client, signal } = running
  const orders = new Map<string, HistoryRecord>()
  /** By their first order: one that is sent again with its key is answered again. */
  const bulks = new Map<string | null, HistoryRecord[]>()
  /** What was asked of the other services of part A, past the order service. */
  const reserved = new Map<string, Pick<Order, 'item' | 'quantity'>>()
  const released = new Set<string>()
  const sent = new Set<string>()

  const noteOrders = (body: unknown, asked: Buffer | null) => {
    const { data: order } = Order.safeParse(body)
    if (order && !orders.has(order.order_id)) {
      const { order_id, item, quantity, status: told } = order
      // Whoever is answered an order has one, whatever became of it.
      orders.set(order_id, { n: orders.size, outcome: 'ok', order_id, item, quantity, told })
    }
    const { data: bulk } = Bulk.safeParse(body)
    if (bulk && asked)
      bulks.set(bulk.first_order_id, bulkRecords(bulk, BulkOf.safeParse(parseBody(asked)).data ?? {}))
  }
  const noteInventory = (body: unknown, asked: Buffer) => {
    const { data: command } = Reserve.safeParse(parseBody(asked))
    if (Reserved.safeParse(body).success && command) reserved.set(command.order_id.toLowerCase(), command)
    const { data: undone } = Released.safeParse(body)
    if (undone?.released) released.add(undone.order_id.toLowerCase())
  }

  /** The stock as orders alone would have found it: inventory knows ids, not who asked, and anyone may release. */
  const initialFor = (listed: Order[]): Stock => {
    const own = new Map(
      listed.filter(({ status }) => isReserved(status)).map((order) => [order.order_id, order]),
    )
    const held = [...new Map([...reserved, ...own])].filter(([id]) => !released.has(id))
    const sum = (all: Iterable<Pick<Order, 'item' | 'quantity'>>, item: Item) =>
      [...all].reduce((total, each) => total + (each.item === item ? each.quantity : 0), 0)
    const taken = held.map(([, each]) => each)
    return Object.fromEntries(
      ITEMS.map((item) => [item, STOCK[item] - sum(taken, item) + sum(own.values(), item)]),
    ) as Stock
  }

  return {
    note: ({ role }: TrioService, { body: asked }: HttpCase, answer: Answer) => {
      if (answer.error !== undefined) return
      const body = jsonOf(answer)
      if (role === 'order') noteOrders(body, asked)
      if (role === 'inventory' && asked && answer.status === 200) noteInventory(body, asked)
      const { data } = Sent.safeParse(body)
      if (role === 'notification' && answer.status === 200 && data?.sent)
        sent.add(data.order_id.toLowerCase())
    },
    /** Waits until nothing is under way, and holds everything against the ledger. */
    audit: async (): Promise<Complaint[]> => {
      await using watch = await watchPart(running)
      await watch.settled(SETTLE_MS).catch(() => signal.throwIfAborted()) // then the ledger says what still waits
      const listed = await client.orders()
      const notified = new Set(
        listed.filter(({ status }) => status === 'notified').map(({ order_id }) => order_id),
      )
      const ledger = await ledgerOf(part, {
        histories: [[...orders.values()], ...bulks.values()],
        initial: initialFor(listed),
        notifiedPastOrders: sent.difference(notified),
        signal,
      })
      if (sent.size === 0) return complaintsOf(ledger)
      const there = (await client.notifications()).map(({ order_id }) => order_id)
      return [...complaintsOf(ledger), ...missing('notifications', sent, there)]
    },
  }
}

const complaintsOf = ({ anomalies, backlog }: LedgerVerdict): Complaint[] => [
  ...anomalies.map(({ type, count, orders: [first] }) => ({
    rule: `the ledger: ${type}`,
    detail: `${count} times${first ? `, such as ${first.order}: ${first.detail}` : ''}`,
  })),
  ...backlog
    .filter(({ messages }) => messages > 0)
    .map(({ place, messages }) => ({
      rule: `the ledger: ${place} has not drained`,
      detail: String(messages),
    })),
]
