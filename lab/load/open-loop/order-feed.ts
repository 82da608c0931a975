import { setTimeout as sleep } from 'node:timers/promises'
import { Order, OrderStatus } from '@lab/common/domain/order.ts'
import { messageOf } from '@lab/kit/errors.ts'
import { createSseParser } from '@lab/kit/sse.ts'
import { Pool } from 'undici'
import { z } from 'zod'
import { now } from './metronome.ts'

const Updates = z.array(z.object({ order_id: z.string(), status: OrderStatus }))
const RECONNECT_MS = 100
/** Longer than the 15 s between two heartbeats of the stream: silence beyond it is a dead connection. */
const SILENCE_MS = 40_000
const LOOK_UPS_AT_ONCE = 16
const LOOK_UP_TIMEOUT_MS = 5_000
/** For all look-ups together: a service that hangs must not hold up the end of a run. */
const LOOK_UPS_TIMEOUT_MS = 30_000

export type OnStatus = (order_id: string, status: OrderStatus, seenAt: number) => void

export interface OrderFeed {
  /** How often the stream broke and was opened again. */
  reconnects: () => number
  /** Reads orders one by one, for what the stream may have shown while nobody read it. Bounded; never rejects. */
  lookUp: (order_ids: string[], onStatus: OnStatus, signal?: AbortSignal) => Promise<void>
  close: () => Promise<void>
}

/**
 * Follows `GET /orders/stream`. Resolves once the service has attached this reader, rejects when it cannot be reached.
 * After a break the stream is opened again and `onGap` called: what happened in between has to be looked up.
 */
export async function openOrderFeed(
  url: string,
  { onStatus, onGap }: { onStatus: OnStatus; onGap: () => void },
): Promise<OrderFeed> {
  const streams = new Pool(url, { connections: 1 })
  const lookUps = new Pool(url, { connections: LOOK_UPS_AT_ONCE })
  const closing = new AbortController()
  const attached = Promise.withResolvers<void>()
  let opened = 0
  const reading = followForEver(streams, closing.signal, onStatus, () => {
    if (opened++ > 0) onGap()
    attached.resolve()
  }).catch((err) => attached.reject(err))

  const close = async () => {
    closing.abort()
    await reading
    await Promise.all([streams.destroy(), lookUps.destroy()])
  }
  await attached.promise.catch(async (err) => {
    await close()
    throw err
  })
  return {
    reconnects: () => opened - 1,
    lookUp: (order_ids, onStatus, signal = closing.signal) =>
      lookUpAll(lookUps, order_ids, {
        onStatus,
        signal: AbortSignal.any([signal, closing.signal, AbortSignal.timeout(LOOK_UPS_TIMEOUT_MS)]),
      }),
    close,
  }
}

/** Rejects only when the very first connection fails: that is a wrong url or a service that is not there. */
async function followForEver(
  pool: Pool,
  signal: AbortSignal,
  onStatus: OnStatus,
  onOpen: () => void,
): Promise<void> {
  let wasOpen = false
  while (!signal.aborted) {
    try {
      await follow(pool, signal, onStatus, () => {
        wasOpen = true
        onOpen()
      })
    } catch (err) {
      if (!wasOpen) throw new Error(`GET /orders/stream cannot be read: ${messageOf(err)}`, { cause: err })
    }
    // An aborted pause is the end of the loop.
    await sleep(RECONNECT_MS, undefined, { signal }).catch(() => {})
  }
}

async function follow(
  pool: Pool,
  signal: AbortSignal,
  onStatus: OnStatus,
  onOpen: () => void,
): Promise<void> {
  const { statusCode, body } = await pool.request({
    method: 'GET',
    path: '/orders/stream',
    signal,
    headersTimeout: 5_000,
    bodyTimeout: SILENCE_MS,
  })
  if (statusCode !== 200) {
    await body.dump()
    throw new Error(`it answered ${statusCode}`)
  }
  const parse = createSseParser()
  const decoder = new TextDecoder()
  let isOpen = false
  for await (const chunk of body) {
    const seenAt = now()
    // The service writes its first comment when the reader is attached; the headers alone do not prove it.
    if (!isOpen) onOpen()
    isOpen = true
    for (const { event, data } of parse(decoder.decode(chunk as Buffer, { stream: true }))) {
      if (event !== 'orders') continue
      for (const { order_id, status } of Updates.parse(JSON.parse(data))) onStatus(order_id, status, seenAt)
    }
  }
}

async function lookUpAll(
  pool: Pool,
  order_ids: string[],
  { onStatus, signal }: { onStatus: OnStatus; signal: AbortSignal },
): Promise<void> {
  const left = order_ids.values()
  const readNext = async () => {
    for (const order_id of left) {
      if (signal.aborted) return
      const order = await readOrder(pool, order_id, signal)
      if (order) onStatus(order.order_id, order.status, now())
    }
  }
  await Promise.all(Array.from({ length: LOOK_UPS_AT_ONCE }, readNext))
}

async function readOrder(pool: Pool, order_id: string, signal: AbortSignal): Promise<Order | undefined> {
  try {
    const { body } = await pool.request({
      method: 'GET',
      path: `/orders/${encodeURIComponent(order_id)}`,
      signal: AbortSignal.any([signal, AbortSignal.timeout(LOOK_UP_TIMEOUT_MS)]),
    })
    return Order.safeParse(await body.json()).data
  } catch {
    return undefined // still open as far as we know: the stream or the last look will tell
  }
}
