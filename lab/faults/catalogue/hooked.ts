import { readFileSync } from 'node:fs'
import { waitFor } from '@lab/kit/wait.ts'
import type { ServiceProcess } from '@lab/stack/service.ts'
import type { FaultBench } from '../fault.ts'
import { type HookedStart, SWITCH } from '../hooks.ts'

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
