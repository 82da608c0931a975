import { Item, OrderStatus } from '@lab/common/domain/order.ts'
import { messageOf } from '@lab/kit/errors.ts'
import { nextIn } from '@lab/kit/paging.ts'
import { type Dispatcher, request } from 'undici'
import { z } from 'zod'
import { readJsonArray } from './json-array.ts'
import type { Observed } from './observed.ts'

export interface Sources {
  /** Base url of the order service and of the inventory service. */
  order: string
  inventory: string
  /** Base url of the notification service, in the parts that have one. */
  notification?: string
  /** What the inventory service started with. */
  initial: Record<Item, number>
  /** What only the broker can tell: dead letters, backlog, decisions. */
  broker?: Pick<Observed, 'deadLetters' | 'plantedDeadLetters' | 'backlog' | 'decisions' | 'updates'>
  signal?: AbortSignal
}

const Listed = z.array(
  z.object({ order_id: z.string(), item: Item, quantity: z.number(), status: OrderStatus }),
)
const Notified = z.array(z.object({ order_id: z.string() }))
/** Negative counts are for the ledger to find, so they are read. */
const Left = z.object({ burger: z.number(), pizza: z.number(), salad: z.number() })

/** Longest silence while an answer is read. */
const SILENCE_MS = 30_000

/**
 * Collects what a part holds, over HTTP. Stock is read now; orders and notifications are read when they are asked for,
 * as streams, so a million orders are never in memory at once. Call it once the run has drained.
 */
export async function collect({
  order,
  inventory,
  notification,
  initial,
  broker,
  signal,
}: Sources): Promise<Observed> {
  const read = (url: string, schema: z.ZodType<unknown[]>) => streamArray(url, schema, signal)
  return {
    orders: read(`${order}/orders`, Listed) as Observed['orders'],
    stock: { initial, left: await readStock(`${inventory}/stock`, signal) },
    ...(notification !== undefined && {
      notifications: read(`${notification}/notifications`, Notified) as AsyncIterable<{ order_id: string }>,
    }),
    ...broker,
  }
}

async function* streamArray(
  url: string,
  schema: z.ZodType<unknown[]>,
  signal?: AbortSignal,
): AsyncGenerator<unknown> {
  for (let page: string | undefined = url; page !== undefined; ) {
    const { body, headers } = await get(page, signal)
    body.setEncoding('utf8')
    try {
      for await (const batch of readJsonArray(body)) yield* schema.parse(batch)
    } catch (err) {
      throw new Error(`GET ${page}: ${messageOf(err)}`, { cause: err })
    }
    const next = nextIn(String(headers.link ?? ''))
    page = next && new URL(next, page).href
  }
}

async function readStock(url: string, signal?: AbortSignal): Promise<Record<Item, number>> {
  const { body } = await get(url, signal)
  try {
    return Left.parse(await body.json())
  } catch (err) {
    throw new Error(`GET ${url}: ${messageOf(err)}`, { cause: err })
  }
}

async function get(url: string, signal?: AbortSignal): Promise<Dispatcher.ResponseData> {
  const response = await request(url, {
    headersTimeout: SILENCE_MS,
    bodyTimeout: SILENCE_MS,
    ...(signal && { signal }),
  })
  if (response.statusCode === 200) return response
  await response.body.dump()
  throw new Error(`GET ${url} answered ${response.statusCode}`)
}
