import type { OpenLoopOptions } from '../open-loop.ts'
import { startLoadProcess } from '../process.ts'
import type { Snapshot } from '../result.ts'

/** One open loop in a process of its own, which ends with it. */
export function startOpenLoop(
  options: OpenLoopOptions,
  { signal, onSnapshot }: { signal?: AbortSignal; onSnapshot?: (snapshot: Snapshot) => void } = {},
) {
  const load = startLoadProcess(signal)
  const result = load.run({ kind: 'open', options }, onSnapshot && { onSnapshot })
  return { pid: load.pid, result: result.finally(load.close) }
}
