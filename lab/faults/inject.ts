import { setTimeout as sleep } from 'node:timers/promises'
import { type Acts, type FaultBench, NotInjected } from './fault.ts'
import { firstDone, type Recovery } from './recovery.ts'

export interface Injection {
  hit: string
  /** Milliseconds since the load began. */
  injectMs: number
  healMs: number
  recovery: Recovery
}

export interface StrikeOptions {
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
export async function inject(
  bench: FaultBench,
  { acts, holdMs, limitMs, keyPrefix, now }: StrikeOptions,
): Promise<Injection> {
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
    const [recovery] = await Promise.all([
      firstDone(bench, { keyPrefix, patienceMs: patienceOf(limitMs) }),
      acts.heal(),
    ])
    progress(recovery.ms === undefined ? 'not recovered' : `recovered in ${Math.round(recovery.ms)} ms`)
    return { hit, injectMs, healMs, recovery }
  } catch (err) {
    // What is left broken would break whatever comes next.
    if (!isHealing && !(err instanceof NotInjected)) await acts.heal().catch(() => {})
    throw err
  }
}
