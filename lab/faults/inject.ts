import { setTimeout as sleep } from 'node:timers/promises'
import { Order } from '@lab/common/domain/order.ts'
import { orderIdForKey } from '@lab/common/ids.ts'
import { pause } from '@lab/kit/wait.ts'
import type { HistoryRecord } from '../ledger/history.ts'
import { isReserved } from '../ledger/observed.ts'
import { recordOf } from '../load/closed-loop.ts'
import { openServiceClient, type ServiceClient } from '../load/service-client.ts'
import { type Acts, type FaultBench, NotInjected } from './fault.ts'

/** Moments are milliseconds since the load began; `recoveryMs` is from the end of the fault to the first order done after it. */
export type Injection = Awaited<ReturnType<typeof inject>>

interface InjectOptions {
  acts: Acts
  holdMs: number
  limitMs: number
  keyPrefix: string
  /** Milliseconds since the load began. */
  now: () => number
}

/** How long the first completed order is awaited: well beyond the limit, so that "late" and "never" can be told apart. */
export const patienceOf = (limitMs: number) => 2 * limitMs + 15_000

/** Does the damage, keeps it up, ends it, and measures until the first order that was placed after it is done. */
export async function inject(bench: FaultBench, { acts, holdMs, limitMs, keyPrefix, now }: InjectOptions) {
  const { signal, progress } = bench
  const injectMs = now()
  let isHealing = false
  try {
    const hit = await acts.inject()
    progress(`hit (${hit}), for ${holdMs / 1_000} s`)
    await sleep(holdMs, undefined, { signal })
    const healMs = now()
    progress('healing, and awaiting the first order done')
    isHealing = true
    const [recoveryMs] = await Promise.all([
      firstDone(bench, { keyPrefix, patienceMs: patienceOf(limitMs) }),
      acts.heal(),
    ])
    progress(recoveryMs === undefined ? 'not recovered' : `recovered in ${Math.round(recoveryMs)} ms`)
    return { hit, injectMs, healMs, recoveryMs }
  } catch (err) {
    // What is left broken would break whatever comes next.
    if (!isHealing && !(err instanceof NotInjected)) await acts.heal().catch(() => {})
    throw err
  }
}

const PLACE_EVERY_MS = 100
const LOOK_EVERY_MS = 20
/** The oldest accepted orders: one of them is the first to be done. */
const LOOK_AT = 8
const ANSWER_WITHIN_MS = 5_000
/** At most so many orders are placed; then the last ones are waited for. */
export const MOST_PROBES = 300

/**
 * Places an order every tenth of a second, from now on, until one of them is reserved. Orders that are refused or get no
 * answer are what they are: the next one tries again. All of them are real and belong into the ledger.
 */
async function firstDone(
  { part, keep, signal }: FaultBench,
  { keyPrefix, patienceMs }: { keyPrefix: string; patienceMs: number },
): Promise<number | undefined> {
  const startedAt = performance.now()
  const over = AbortSignal.timeout(patienceMs)
  const found = new AbortController()
  const stop = AbortSignal.any([signal, over, found.signal])
  const client = openServiceClient(part.order.url, { connections: 64, signal })
  const accepted: string[] = []
  try {
    const probes: Promise<HistoryRecord>[] = []
    const following = firstReserved(client, accepted, stop).finally(() => found.abort())
    while (!stop.aborted && probes.length < MOST_PROBES) {
      probes.push(place(client, `${keyPrefix}-${probes.length}`, { n: probes.length, accepted }))
      await pause(PLACE_EVERY_MS, stop)
    }
    const doneAt = await following
    signal.throwIfAborted()
    keep(await Promise.all(probes))
    return doneAt && doneAt - startedAt
  } finally {
    found.abort()
    await client.close()
  }
}

async function place(
  client: ServiceClient,
  idempotency_key: string,
  { n, accepted }: { n: number; accepted: string[] },
): Promise<HistoryRecord> {
  const intended = { item: 'burger', quantity: 1 } as const
  const order_id = orderIdForKey(idempotency_key)
  const options = { headers: { 'idempotency-key': idempotency_key }, timeoutMs: ANSWER_WITHIN_MS }
  const answer = await client.post('/order', intended, options).catch(() => undefined)
  const record = recordOf(n, intended, answer)
  if (record.outcome === 'ok') accepted.push(order_id)
  return { ...record, idempotency_key, order_id }
}

/** When the first of the accepted orders was seen reserved; undefined when none was before `stop`. */
async function firstReserved(
  client: ServiceClient,
  accepted: string[],
  stop: AbortSignal,
): Promise<number | undefined> {
  while (!stop.aborted) {
    const looks = accepted.slice(0, LOOK_AT).map((order_id) => statusOf(client, order_id))
    if ((await Promise.all(looks)).some(isReserved)) return performance.now()
    await pause(LOOK_EVERY_MS, stop)
  }
  return undefined
}

async function statusOf(client: ServiceClient, order_id: string) {
  const options = { timeoutMs: ANSWER_WITHIN_MS }
  const answer = await client.get(`/orders/${order_id}`, options).catch(() => undefined)
  return Order.safeParse(answer?.body).data?.status
}
