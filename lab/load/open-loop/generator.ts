import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import type { HistoryRecord } from '../../ledger/history.ts'
import { createLoopGauge } from './loop-gauge.ts'
import { now, startMetronome } from './metronome.ts'
import { type FullOptions, type OpenLoopOptions, withDefaults } from './options.ts'
import { type OnStatus, type OrderFeed, openOrderFeed } from './order-feed.ts'
import type { OpenLoopResult, PhaseName, Snapshot } from './result.ts'
import { Run } from './run.ts'
import { planSlots, type Slot } from './slots.ts'
import { summarizeRun } from './summary.ts'

export interface GeneratorHooks {
  onSnapshot?: (snapshot: Snapshot) => void
  /** Each order that was sent, once its outcome is known to the client; the warm-up's orders too. */
  onRecord?: (record: HistoryRecord) => void
  signal?: AbortSignal
}

/** Shortest distance of two beats: above 5,000 orders/s a beat sends several, in place of a thread that only wakes. */
const BEAT_MS = 0.2
/** From the start of the clock to the first slot, so that the first one is not late already. */
const LEAD_MS = 20
const EXPIRE_EVERY_MS = 20
const DRAIN_LOOK_MS = 10

/**
 * Sends orders when the plan says so, whatever becomes of the earlier ones. Needs a process of its own: anything else
 * that runs here shows up as lateness. Rejects when the plan is wrong or the stream cannot be read; a service that
 * fails, hangs or goes away is a result. After an abort the result says `is_complete: false`.
 */
export async function generate(input: OpenLoopOptions, hooks: GeneratorHooks = {}): Promise<OpenLoopResult> {
  const options = withDefaults(input)
  planSlots(options) // a plan that is wrong is refused before anything is opened
  const pool = new Pool(options.url, { connections: options.connections, pipelining: 1 })
  const run = new Run({ options, pool, onRecord: hooks.onRecord })
  let feed: OrderFeed | undefined
  try {
    if (options.completion === 'stream') feed = await openFeed(options.url, run)
    return await runPlan(options, { run, feed, hooks })
  } finally {
    run.inFlight.giveUpAll()
    await feed?.close()
    await pool.destroy()
  }
}

interface Parts {
  run: Run
  feed: OrderFeed | undefined
  hooks: GeneratorHooks
}

async function runPlan(options: FullOptions, { run, feed, hooks }: Parts): Promise<OpenLoopResult> {
  const { signal, onSnapshot } = hooks
  const plan = planSlots(options)
  const gauge = createLoopGauge()
  const timeline: Snapshot[] = []
  let phase: PhaseName = plan.warmUpSeconds > 0 ? 'warm-up' : 'measured'

  const snapshots = setInterval(() => {
    if (run.startsAt === 0) return
    timeline.push({ elapsed_ms: Math.max(0, now() - run.startsAt), phase, ...run.snapshot() })
    onSnapshot?.(timeline.at(-1)!)
  }, options.intervalMs)
  const expiring = setInterval(() => run.inFlight.expire(now()), EXPIRE_EVERY_MS)
  try {
    await sendAll(plan.slots, run, signal, (slot) => {
      if (slot.isMeasured && phase === 'warm-up') gauge.reset()
      if (slot.isMeasured) phase = 'measured'
    })
    const sentAt = now()
    const generator = gauge.read()
    phase = 'drain'
    await drain(run, feed, options, signal)
    const wasAborted = signal?.aborted ?? false
    return summarizeRun({ options, plan, run, sentAt, endedAt: now(), wasAborted, timeline, generator, feed })
  } finally {
    clearInterval(snapshots)
    clearInterval(expiring)
    gauge.stop()
  }
}

/** Resolves when the last slot was fired, or on abort. */
async function sendAll(
  slots: Iterator<Slot>,
  run: Run,
  signal: AbortSignal | undefined,
  onSlot: (slot: Slot) => void,
): Promise<void> {
  const done = Promise.withResolvers<void>()
  let next = slots.next()
  const metronome = await startMetronome(() => {
    while (!next.done && !signal?.aborted && run.startsAt + next.value.at <= now()) {
      onSlot(next.value)
      run.fire(next.value)
      next = slots.next()
    }
    if (next.done || signal?.aborted) done.resolve()
    else metronome.arm(Math.max(run.startsAt + next.value.at, now() + BEAT_MS))
  })
  const stop = () => done.resolve()
  signal?.addEventListener('abort', stop)
  run.startsAt = now() + LEAD_MS
  metronome.arm(run.startsAt)
  try {
    await done.promise
  } finally {
    signal?.removeEventListener('abort', stop)
    await metronome.stop()
  }
}

/** Awaits the answers, then the completions, each for a bounded time; an abort ends both. */
async function drain(
  run: Run,
  feed: OrderFeed | undefined,
  { drainMs, timeoutMs }: FullOptions,
  signal: AbortSignal | undefined,
): Promise<void> {
  const until = async (isDone: () => boolean, deadline: number) => {
    while (!isDone() && now() < deadline && !signal?.aborted) await sleep(DRAIN_LOOK_MS)
  }
  await until(() => run.inFlight.size === 0, now() + 2 * timeoutMs)
  run.inFlight.giveUpAll()
  if (!feed) return
  await until(() => run.completions.awaiting === 0, now() + drainMs)
  // What the stream did not show is asked for once; it may have been cut off without a word.
  if (!signal?.aborted) await lookUp(feed, run, signal)
}

async function openFeed(url: string, run: Run): Promise<OrderFeed> {
  const feed: OrderFeed = await openOrderFeed(url, {
    onStatus: (order_id, status, seenAt) => run.completions.observe(order_id, status, seenAt),
    onGap: () => void lookUp(feed, run),
  })
  return feed
}

function lookUp(feed: OrderFeed, { completions }: Run, signal?: AbortSignal): Promise<void> {
  const onStatus: OnStatus = (order_id, status, seenAt) => completions.observe(order_id, status, seenAt, true)
  return feed.lookUp(completions.openIds(), onStatus, signal)
}
