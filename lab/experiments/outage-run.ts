import { setTimeout as sleep } from 'node:timers/promises'
import { isTerminal, type OrderStatus } from '@lab/common/domain/order.ts'
import { type LoadClock, loadClock } from '../faults/load-clock.ts'
import type { HistoryRecord } from '../ledger/history.ts'
import { openHistoryFile } from '../ledger/history-file.ts'
import { isReserved } from '../ledger/status.ts'
import { closedLoop, orderIds } from '../load/closed-loop.ts'
import type { OrderStreamClient } from '../load/order-stream-client.ts'
import type { PartName } from '../stack/parts.ts'
import type { Params } from './compare-outage.ts'
import type { ExperimentContext } from './experiment.ts'
import { mostOrders, offer, STYLE } from './offered-load.ts'
import { openPartClient } from './part-client.ts'
import { ledgerOf } from './part-ledger.ts'
import { openPartWatch, type PartWatch, type Watched } from './part-watch.ts'
import { stockEnv, stockFor } from './stock-env.ts'
import { recordsOf, warmUp } from './warm-up.ts'

/** One order with what became of it. Times are milliseconds since the load began. */
export interface Traced extends Pick<HistoryRecord, 'outcome' | 'status'> {
  sentMs: number
  /** When it was seen in its terminal status, and which that was. */
  doneMs?: number
  ended?: OrderStatus
}

export interface Moments {
  killedMs: number
  /** When the process was started again, and when it said that it is ready. */
  restartedMs: number
  readyMs: number
  /** Waiting orders right before the restart. */
  waitingAtRestart: number
  /** When an order was done that was placed as soon as inventory was ready: the load may have ended before. */
  readyOrderDoneMs: number
  records: HistoryRecord[]
}

export type PartOutage = Awaited<ReturnType<typeof outageOf>>

const WARM_UP = 50
const SAMPLE_MS = 200

/** Loads a durable copy of one part, kills its inventory under way, starts it again, and follows every order to its end. */
export async function outageOf(context: ExperimentContext<Params>, name: PartName) {
  const { params, signal } = context
  const { rate, beforeSeconds, outageSeconds, afterSeconds } = params
  const plan = `${rate}/s for ${beforeSeconds + outageSeconds + afterSeconds}s`
  const initial = stockFor(WARM_UP + mostOrders([plan]))
  const part = await context.startPart(name, { durable: true, env: stockEnv(initial) })
  try {
    await using client = openPartClient(part, signal)
    await using watch = await openPartWatch({ part, client, signal })
    const warm = await warmUp(client, { ...context, count: WARM_UP, what: STYLE[name] })
    const stream = await client.stream()
    const seen = await whileLoaded({ ...context, part, client, watch, stream }, plan)
    const ledger = await ledgerOf({
      part,
      client,
      watch,
      signal,
      histories: [warm, seen.load.history, seen.moments.records],
      initial,
      settleMs: 60_000,
    })
    const orders = await trace(seen.load.history, stream, seen.zero)
    const guarantees = await watch.guarantees()
    return { part: name, ...seen, orders, ledger, guarantees, counts: watch.counts }
  } finally {
    await part.close()
  }
}

interface Bench extends ExperimentContext<Params>, Omit<Watched, 'signal'> {
  part: Watched['part']
  watch: PartWatch
  stream: OrderStreamClient
}

/** The load, the fault and the samples of the backlog go on at the same time; when one fails, all end. */
async function whileLoaded(bench: Bench, plan: string) {
  const failing = new AbortController()
  const signal = AbortSignal.any([bench.signal, failing.signal])
  const clock = loadClock(signal)
  const over = new AbortController()
  const what = STYLE[bench.part.part]
  const options = {
    what,
    rate: plan,
    keyPrefix: `outage-${what}`,
    drainMs: 60_000,
    onSnapshot: clock.onSnapshot,
  }
  try {
    const [load, moments, samples] = await Promise.all([
      offer({ ...bench, signal }, bench.part, options).finally(() => over.abort()),
      killAndRestart({ ...bench, signal }, clock),
      sampleWaiting(bench.watch, clock, AbortSignal.any([signal, over.signal])),
    ])
    return { load, moments, samples, zero: await clock.zero }
  } catch (err) {
    failing.abort(err)
    throw err
  }
}

async function killAndRestart(bench: Bench, clock: LoadClock): Promise<Moments> {
  const { part, watch, params, signal } = bench
  const zero = await clock.zero
  const now = () => performance.now() - zero
  // The length of the outage is a parameter: here the time itself is what is asked for.
  const until = (ms: number) => sleep(Math.max(0, ms - now()), undefined, { signal })
  await until(params.beforeSeconds * 1_000)
  await part.inventory.kill()
  const killedMs = now()
  await until(killedMs + params.outageSeconds * 1_000)
  const waitingAtRestart = await watch.waiting()
  const restartedMs = now()
  await part.inventory.start()
  const readyMs = now()
  const records = await orderThatIsDone(bench)
  return { killedMs, restartedMs, readyMs, waitingAtRestart, readyOrderDoneMs: now(), records }
}

/** One order, placed and awaited to its end. */
async function orderThatIsDone({ client, stream, signal }: Bench): Promise<HistoryRecord[]> {
  const load = await closedLoop(client.place, { count: 1, concurrency: 1, signal })
  await stream.completed(orderIds(load), { passes: isReserved, what: 'reserved', timeoutMs: 60_000 })
  return recordsOf(load)
}

async function sampleWaiting(watch: PartWatch, clock: LoadClock, over: AbortSignal) {
  const zero = await clock.zero
  const samples: { atMs: number; waiting: number }[] = []
  while (!over.aborted) {
    samples.push({ waiting: await watch.waiting(), atMs: performance.now() - zero })
    await sleep(SAMPLE_MS, undefined, { signal: over }).catch(() => {
      // The load is over, and so are the samples.
    })
  }
  return samples
}

async function trace(history: string, stream: OrderStreamClient, zero: number): Promise<Traced[]> {
  const orders: Traced[] = []
  for await (const { order_id, outcome, status, sent_ms = 0 } of openHistoryFile(history).records) {
    const end = stream.seen(order_id ?? '').find((sight) => isTerminal(sight.status))
    orders.push({
      outcome,
      ...(status !== undefined && { status }),
      sentMs: sent_ms,
      ...(end && { doneMs: end.seenAt - zero, ended: end.status }),
    })
  }
  return orders.sort((a, b) => a.sentMs - b.sentMs)
}
