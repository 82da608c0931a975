import { join } from 'node:path'
import type { StartOptions } from '@lab/stack/service.ts'

/**
 * What switches a hook, there and back: the services stop at SIGUSR2, as at most other signals, and Node takes SIGUSR1 for
 * its debugger.
 */
export const SWITCH: NodeJS.Signals = 'SIGWINCH'

/** What one start of a service gets so that a fault can reach into it; the next start without it has nothing of it. */
export type HookedStart = Required<StartOptions>

const hook = (name: 'crash' | 'clock' | 'store-full', env: Record<string, string> = {}): HookedStart => ({
  preload: [join(import.meta.dirname, 'hooks', `${name}.ts`)],
  env,
})

/** SIGKILL at the n-th passage of the step. Its log then ends with `crash hook: SIGKILL at passage n of <step>`. */
export const crashAt = (step: string, passage = 1): HookedStart =>
  hook('crash', { LAB_CRASH_STEP: step, LAB_CRASH_PASSAGE: String(passage) })

/** The process freezes at the n-th passage of the step, in the midst of what it does, until `resume()`. */
export const freezeAt = (step: string, passage = 1): HookedStart =>
  hook('crash', { ...crashAt(step, passage).env, LAB_CRASH_SIGNAL: 'SIGSTOP' })

/** Its wall clock is wrong by `offsetMs`: from the start, or from one SIGWINCH to the next. */
export const moveClock = (offsetMs: number, at: 'start' | 'signal' = 'start'): HookedStart =>
  hook('clock', { LAB_CLOCK_OFFSET_MS: String(offsetMs), LAB_CLOCK_AT: at })

/** Its store takes no new page from one SIGWINCH to the next. */
export const fillStore = (): HookedStart => hook('store-full')
