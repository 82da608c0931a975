import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '@lab/kit/wait.ts'
import type { ServiceProcess, StartOptions } from '@lab/stack/service.ts'
import type { FaultBench } from './fault.ts'

/** Switches a hook there and back: services stop at most other signals, and Node takes SIGUSR1 for its debugger. */
const SWITCH: NodeJS.Signals = 'SIGWINCH'

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

/** Its wall clock is wrong by `offsetMs` from one SIGWINCH to the next. */
export const moveClock = (offsetMs: number): HookedStart =>
  hook('clock', { LAB_CLOCK_OFFSET_MS: String(offsetMs) })

/** Its store takes no new page from one SIGWINCH to the next. */
export const fillStore = (): HookedStart => hook('store-full')

/** Starts a service again with a hook preloaded; it keeps the hook until its next start. */
export async function startHooked(service: ServiceProcess, hook: HookedStart): Promise<void> {
  await service.stop()
  await service.start(hook)
}

/** Throws the hook's switch, there or back, and answers what the hook said about it. */
export async function signalHook(service: ServiceProcess, { signal }: FaultBench): Promise<string> {
  const { pid, logFile, name } = service
  if (pid === undefined) throw new Error(`${name} does not run: its hook cannot be switched`)
  const before = readFileSync(logFile).length
  process.kill(pid, SWITCH)
  return waitFor(
    `the hook in ${name} to switch`,
    () => /^\S+ hook: (.*)$/m.exec(readFileSync(logFile).subarray(before).toString())?.[1],
    { everyMs: 10, signal },
  )
}
