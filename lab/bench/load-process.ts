import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { within } from '@lab/kit/wait.ts'
import { RUN_MARKER } from '@lab/stack/process-identity.ts'
import type { RunDir } from '@lab/stack/run-dir.ts'
import type { LoadMessage, LoadReport, LoadRequest } from './load-protocol.ts'

export interface LoadProcess {
  name: string
  pid: number
  /** One round. Each request in it has a deadline, so it ends; it rejects early on abort and when the process is gone. */
  run: (request: LoadRequest, onProgress: (answered: number) => void) => Promise<LoadReport>
  close: () => Promise<void>
}

const START_MS = 10_000

export async function startLoadProcess(run: RunDir, signal: AbortSignal): Promise<LoadProcess> {
  const child = fork(join(import.meta.dirname, 'load-worker.ts'), [], {
    env: { [RUN_MARKER]: run.path },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // In a group of its own: Ctrl-C ends it in order, with everything else.
    detached: true,
  })
  await within(once(child, 'message', { signal }), START_MS, 'the load process to start')
  await run.track({ pid: child.pid!, name: 'load' })
  return {
    name: 'load generator',
    pid: child.pid!,
    run: (request, onProgress) => runRound(child, { request, onProgress, signal }),
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit')
        child.kill('SIGKILL') // it holds nothing
        await exited
      }
      await run.untrack(child.pid!)
    },
  }
}

interface Round {
  request: LoadRequest
  onProgress: (answered: number) => void
  signal: AbortSignal
}

function runRound(child: ChildProcess, { request, onProgress, signal }: Round): Promise<LoadReport> {
  const { promise, resolve, reject } = Promise.withResolvers<LoadReport>()
  const onMessage = (message: LoadMessage) => {
    if (message.kind === 'report') resolve(message)
    if (message.kind === 'failed') reject(new Error(`the load could not be sent: ${message.message}`))
    if (message.kind === 'progress') onProgress(message.answered)
  }
  const onExit = (code: number | null, by: string | null) =>
    reject(new Error(`the load process ended (${by ?? `exit code ${code}`})`))
  const onAbort = () => reject(signal.reason)
  child.on('message', onMessage)
  child.on('exit', onExit)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  else child.send(request)
  return promise.finally(() => {
    child.off('message', onMessage)
    child.off('exit', onExit)
    signal.removeEventListener('abort', onAbort)
  })
}
