import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { HistoryRecord } from '../ledger/history.ts'
import type { OpenLoopOptions } from './open-loop.ts'
import type { OpenLoopResult, Snapshot } from './result.ts'

/** What the load process is asked for. */
export type LoadRequest =
  | { kind: 'open'; options: OpenLoopOptions }
  /** `POST /order`, each connection sending the next order when its last one was answered. */
  | { kind: 'place'; url: string; count: number; connections: number }
  /** `POST /orders/bulk` in requests of `chunk` orders, one after the other. */
  | { kind: 'bulk'; url: string; count: number; chunk: number }

/** What a closed loop came to. */
export interface LoadReport {
  /** Orders by the status of their answer. Those of a bulk carry the status of its answer. */
  statuses: Record<string, number>
  /** Orders whose exchange did not finish, or that a bulk could not say anything about: they may exist. */
  unknown: number
  /** Orders the service took: answered 2xx. */
  accepted: number
  /** Every order, for the ledger; a bulk is answered no ids. */
  records: HistoryRecord[]
  elapsedMs: number
}

export type ToWorker = LoadRequest | { kind: 'abort' }
export type FromWorker =
  | { kind: 'snapshot'; snapshot: Snapshot }
  | { kind: 'progress'; answered: number }
  | { kind: 'result'; result: OpenLoopResult | LoadReport }
  | { kind: 'error'; message: string }

interface News {
  onSnapshot?: (snapshot: Snapshot) => void
  onProgress?: (answered: number) => void
}

export interface LoadProcess {
  name: string
  pid: number
  /** One load after the other. Rejects when there is no result; after an abort there is what there was until then. */
  run: <Request extends LoadRequest>(
    request: Request,
    news?: News,
  ) => Promise<Request['kind'] extends 'open' ? OpenLoopResult : LoadReport>
  close: () => Promise<void>
}

/** An aborted load hands over its figures within this time, or the process is killed. */
const ABORT_MS = 5_000
const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url))

/** Load comes from a process of its own, so that no work of the runner delays an order. It ends when this one dies. */
export function startLoadProcess(signal?: AbortSignal): LoadProcess {
  const child = fork(WORKER, [], { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  const ended = Promise.withResolvers<never>()
  ended.promise.catch(() => {}) // who waits for a result hears of it
  let stderr = ''
  child.stderr?.on('data', (chunk) => {
    stderr = (stderr + chunk).slice(-2_000)
  })
  const tell = (message: ToWorker) => child.connected && child.send(message, () => {}) // a dead child: see 'exit'
  let killer: NodeJS.Timeout | undefined
  const abort = () => {
    tell({ kind: 'abort' })
    killer ??= setTimeout(() => child.kill('SIGKILL'), ABORT_MS)
  }
  child.once('error', ended.reject)
  child.once('exit', (code, how) => {
    clearTimeout(killer)
    signal?.removeEventListener('abort', abort)
    ended.reject(new Error(`the load generator ended (${how ?? code}) without a result\n${stderr}`.trim()))
  })
  signal?.addEventListener('abort', abort)

  return {
    name: 'load generator',
    pid: child.pid ?? 0,
    run(request, { onSnapshot, onProgress } = {}) {
      const outcome = Promise.withResolvers<never>()
      const onMessage = (message: FromWorker) => {
        if (message.kind === 'snapshot') onSnapshot?.(message.snapshot)
        else if (message.kind === 'progress') onProgress?.(message.answered)
        else if (message.kind === 'result') outcome.resolve(message.result as never)
        else outcome.reject(new Error(`the load cannot be sent: ${message.message}`))
      }
      child.on('message', onMessage)
      tell(request)
      if (signal?.aborted) abort()
      return Promise.race([outcome.promise, ended.promise]).finally(() => child.off('message', onMessage))
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      // Without the channel the process ends.
      if (child.connected) child.disconnect()
      await exited
    },
  }
}
