import { setTimeout as sleep } from 'node:timers/promises'
import type { Placed, Restman } from './client.ts'

export interface Loaded extends Placed {
  at: number
  /** Milliseconds since the epoch when it was meant to be sent. */
  intendedAt: number
}

/** Places orders at a steady rate, whatever becomes of the earlier ones, until `isOver`. Resolves with all of them answered. */
export async function steadyLoad(
  restman: Restman,
  { rate, isOver, signal }: { rate: number; isOver: (at: number) => boolean; signal: AbortSignal },
): Promise<Loaded[]> {
  const startedAt = performance.now()
  const orders: Promise<Loaded>[] = []
  for (let at = 0; !isOver(at); at++) {
    const intended = startedAt + (at / rate) * 1_000
    const early = intended - performance.now()
    if (early > 0) await sleep(early, undefined, { signal })
    const one = restman.place(at, intended)
    orders.push(one.then((placed) => ({ ...placed, at, intendedAt: performance.timeOrigin + intended })))
  }
  return Promise.all(orders)
}
