import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '@lab/kit/errors.ts'
import type { HistoryRecord } from '../ledger/history.ts'
import type { Setting, Wired } from '../part.ts'
import type { TrioName } from '../trio.ts'
import type { Fault, FaultBench, FaultPlan } from './fault.ts'
import { type Injection, inject } from './inject.ts'
import type { LoadClock } from './load-clock.ts'

export interface SoakOptions {
  orders: number
  /** Orders per second. */
  rate: number
  /** From the beginning of one fault to the beginning of the next: a seeded random time between the two. */
  everySeconds: [number, number]
  seed: number
  /** How many times its limit a recovery may take. */
  slack: number
  faults: Fault[]
}

export interface SoakInjection extends Omit<Injection, 'recovery' | 'hit'> {
  fault: string
  limitMs: number
  recoveryMs: number | undefined
  /** Why it could not be ended as it should. */
  error?: string
}

/** The last fault begins no later than this before the end of the load. */
const CALM_END_MS = 20_000
/** Longest stall in a soak: faults are to come every few seconds. */
const MOST_HOLD_MS = 8_000

/** All faults of a soak share the wire: any of them that has one opens it for all. */
export const startOf = (
  faults: Fault[],
  name: TrioName,
): ((setting: Setting) => Promise<Wired>) | undefined =>
  soakable(faults, name).find(({ plan }) => plan.start)?.plan.start

function soakable(faults: Fault[], name: TrioName): { fault: string; plan: FaultPlan }[] {
  return faults.flatMap((fault) => {
    const plan = fault.parts[name]
    return typeof plan === 'object' && plan.soaks ? [{ fault: fault.name, plan }] : []
  })
}

/** One random fault after the other, for as long as the load goes on. */
export async function injectOften(bench: FaultBench, options: SoakOptions & { clock: LoadClock }) {
  const { orders, rate, everySeconds, faults, seed, slack } = options
  const { random, signal } = bench
  const zero = await options.clock.zero
  const now = () => performance.now() - zero
  const choices = soakable(faults, bench.part.part)
  const lastMs = (orders / rate) * 1_000 - CALM_END_MS
  const injections: SoakInjection[] = []
  const records: HistoryRecord[] = []
  for (let next = gap(); choices.length > 0 && Math.max(next, now()) < lastMs; next += gap()) {
    await sleep(Math.max(0, next - now()), undefined, { signal })
    const { fault, plan } = choices[Math.floor(random() * choices.length)]!
    const progress = (text: string) =>
      bench.progress(`${Math.round(now() / 1_000)} s, fault ${injections.length + 1}, ${fault}: ${text}`)
    const moments = { fault, injectMs: now(), healMs: now(), limitMs: plan.limitMs * slack }
    try {
      const { recovery, hit, ...rest } = await injectOne({ ...bench, progress }, plan)
      records.push(...recovery.records)
      injections.push({ ...moments, ...rest, recoveryMs: recovery.ms })
    } catch (err) {
      signal.throwIfAborted()
      injections.push({ ...moments, recoveryMs: undefined, error: messageOf(err) })
      await revive(bench)
    }
    // A fault that took longer than the gap moves those that come after it.
    next = Math.max(next, now() - everySeconds[0] * 1_000 + 1_000)
  }
  return { injections, records }

  function gap(): number {
    const [from, to] = everySeconds
    return (from + random() * (to - from)) * 1_000
  }

  async function injectOne(hitBench: FaultBench, { on, holdMs, limitMs }: FaultPlan): Promise<Injection> {
    const acts = on(hitBench)
    try {
      return await inject(hitBench, {
        acts,
        holdMs: Math.min(holdMs, MOST_HOLD_MS),
        limitMs,
        keyPrefix: `after-${seed}-${injections.length}`,
        now,
      })
    } finally {
      await acts.close?.()
    }
  }
}

/** After a fault that ended badly: the soak goes on with everything running, and says so. */
async function revive({ part: { services, rabbit, kafka } }: FaultBench): Promise<void> {
  const control = (rabbit ?? kafka)?.control
  await control?.resume()
  await control?.start()
  for (const service of services) {
    service.resume()
    if (service.pid === undefined) await service.start()
  }
}
