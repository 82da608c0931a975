import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { OpenLoopOptions } from './options.ts'
import type { OpenLoopResult, Snapshot } from './result.ts'

export type ToWorker = { type: 'start'; options: OpenLoopOptions } | { type: 'abort' }
export type FromWorker =
  | { type: 'snapshot'; snapshot: Snapshot }
  | { type: 'result'; result: OpenLoopResult }
  | { type: 'error'; message: string }

export interface OpenLoopProcess {
  pid: number
  /**
   * The figures of the run; check `verdict.kept_up` before any of them. Rejects when the plan is wrong, the stream cannot
   * be read, the history cannot be written, or the process ends without a result.
   */
  result: Promise<OpenLoopResult>
  /** Ends the run soon: `result` then holds what there was, with `is_complete: false`. */
  abort: () => void
}

/** An aborted run hands over its figures within this time, or it is killed. */
const ABORT_MS = 5_000
const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url))

/**
 * Runs open-loop load in a process of its own, so that neither the runner's work nor its garbage collection delays an
 * order. The process ends with the run, with an abort, and when this process dies.
 */
export function startOpenLoop(
  options: OpenLoopOptions,
  { onSnapshot, signal }: { onSnapshot?: (snapshot: Snapshot) => void; signal?: AbortSignal } = {},
): OpenLoopProcess {
  const child = fork(WORKER, [], { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  const outcome = Promise.withResolvers<OpenLoopResult>()
  let killer: NodeJS.Timeout | undefined
  let stderr = ''
  child.stderr?.on('data', (chunk) => {
    stderr = (stderr + chunk).slice(-2_000)
  })

  const tell = (message: ToWorker) => child.connected && child.send(message, () => {}) // a dead child: see 'exit'
  const abort = () => {
    tell({ type: 'abort' })
    killer ??= setTimeout(() => child.kill('SIGKILL'), ABORT_MS)
  }
  child.on('message', (message: FromWorker) => {
    if (message.type === 'snapshot') return onSnapshot?.(message.snapshot)
    if (message.type === 'result') outcome.resolve(message.result)
    else outcome.reject(new Error(`open-loop load: ${message.message}`))
    // Nothing is left to say: without the channel the process ends.
    if (child.connected) child.disconnect()
  })
  child.once('error', (err) => outcome.reject(err))
  child.once('exit', (code, how) => {
    clearTimeout(killer)
    signal?.removeEventListener('abort', abort)
    outcome.reject(new Error(`the load generator ended (${how ?? code}) without a result\n${stderr}`.trim()))
  })

  tell({ type: 'start', options })
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort)
  return { pid: child.pid ?? 0, result: outcome.promise, abort }
}
