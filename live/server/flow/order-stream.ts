import { messageOf } from '@lab/kit/errors.ts'
import { createSseParser } from '@lab/kit/sse.ts'
import { pause } from '@lab/kit/wait.ts'
import { request } from 'undici'

/** One step of an order, as its order service tells it. */
export interface OrderUpdate {
  order_id: string
  status: string
  /** Seconds since the epoch. */
  at: number
}

export interface OrderStreamOptions {
  url: string
  signal: AbortSignal
  onUpdates: (updates: OrderUpdate[]) => void
  /** `ok`, or why nothing is read. What happened between two connections was not seen. */
  onState: (state: string) => void
}

const RECONNECT_MS = 500
/** Longer than the 15 s between two heartbeats of the stream. */
const SILENCE_MS = 40_000

/** Follows `GET /orders/stream` of an order service until `signal`, through every end of the service. */
export async function followOrders({ url, signal, onUpdates, onState }: OrderStreamOptions): Promise<void> {
  while (!signal.aborted) {
    try {
      const { statusCode, body } = await request(`${url}/orders/stream`, {
        signal,
        headersTimeout: 5_000,
        bodyTimeout: SILENCE_MS,
        reset: true,
      })
      if (statusCode !== 200) throw new Error(`it answered ${statusCode}`)
      onState('ok')
      const decoder = new TextDecoder()
      const parse = createSseParser()
      for await (const chunk of body) {
        for (const { event, data } of parse(decoder.decode(chunk as Buffer, { stream: true })))
          if (event === 'orders') onUpdates(JSON.parse(data) as OrderUpdate[])
      }
      throw new Error('the stream ended')
    } catch (err) {
      if (!signal.aborted) onState(messageOf(err))
    }
    await pause(RECONNECT_MS, signal)
  }
}
