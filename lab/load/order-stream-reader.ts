import { setTimeout as sleep } from 'node:timers/promises'
import { OrderStatus } from '@lab/common/domain/order.ts'
import { messageOf } from '@lab/kit/errors.ts'
import { createSseParser } from '@lab/kit/sse.ts'
import { Pool } from 'undici'
import { z } from 'zod'
import type { OrderProgress } from './order-progress.ts'

const Updates = z.array(z.object({ order_id: z.string(), status: OrderStatus, at: z.number() }))
const RECONNECT_MS = 100
/** Longer than the 15 s between two heartbeats of the stream: silence beyond it is a dead connection. */
const SILENCE_MS = 40_000

/**
 * Reads `GET /orders/stream` into `progress` until `stop`, reconnecting whenever the stream ends. Resolves once the
 * service has attached this reader, with the promise of the end; rejects when the very first connection fails, which is
 * a wrong url or a service that is not there.
 */
export async function readOrderStream(
  url: string,
  { progress, stop }: { progress: OrderProgress; stop: AbortSignal },
): Promise<{ ended: Promise<void> }> {
  const pool = new Pool(url, { connections: 1, connect: { timeout: 3_000 } })
  const attached = Promise.withResolvers<void>()
  const ended = readForEver(pool, { progress, stop, attached: attached.resolve })
    .catch((err) => attached.reject(err))
    .finally(() => pool.destroy())
  await attached.promise
  return { ended }
}

interface Reading {
  progress: OrderProgress
  stop: AbortSignal
  attached: () => void
}

async function readForEver(pool: Pool, reading: Reading): Promise<void> {
  while (!reading.stop.aborted) {
    try {
      await readOnce(pool, reading)
    } catch (err) {
      // Later failures are the service being away, which is what a reconnect is for.
      if (reading.progress.connections === 0) {
        throw new Error(`GET /orders/stream cannot be read: ${messageOf(err)}`, { cause: err })
      }
    }
    // An aborted pause is the end of the loop.
    await sleep(RECONNECT_MS, undefined, { signal: reading.stop }).catch(() => {})
  }
}

async function readOnce(pool: Pool, { progress, stop, attached }: Reading): Promise<void> {
  const { statusCode, body } = await pool.request({
    method: 'GET',
    path: '/orders/stream',
    signal: stop,
    headersTimeout: 5_000,
    bodyTimeout: SILENCE_MS,
  })
  if (statusCode !== 200) throw new Error(`it answered ${statusCode}: ${await body.text()}`)

  const decoder = new TextDecoder()
  const parse = createSseParser()
  let isAttached = false
  for await (const chunk of body) {
    const seenAt = performance.now()
    // The service writes its first comment when it attaches the reader.
    if (!isAttached) progress.connected()
    isAttached = true
    attached()
    const events = parse(decoder.decode(chunk as Buffer, { stream: true }))
    for (const { data } of events.filter(({ event }) => event === 'orders')) {
      for (const { order_id, status } of Updates.parse(JSON.parse(data))) {
        progress.record(order_id, { status, seenAt, source: 'event' })
      }
    }
    if (events.length > 0) progress.announce()
  }
}
