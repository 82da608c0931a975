import { Hopeless, until } from '@lab/kit/wait.ts'
import { request } from 'undici'
import type { Exit, ServiceProcess } from '../service.ts'
import { type Compose, NEVER } from './cli.ts'

export interface ComposeServiceOptions {
  compose: Compose
  name: string
  /** Its name in the compose file. */
  container: string
  /** The port of this machine that leads to it. */
  port: number
  logFile: string
  signal: AbortSignal | undefined
}

const READY_MS = 120_000
/** A service stops within 10 s; then the engine ends it by force. */
const STOP_SECONDS = 12

export interface ComposeService extends ServiceProcess {
  readonly container: string
  waitUntilReady: () => Promise<unknown>
}

/** A service in a container, with the same verbs as one that is a process of the run. */
export function createComposeService(options: ComposeServiceOptions): ComposeService {
  const { compose, name, container, port, logFile, signal } = options
  const url = `http://127.0.0.1:${port}`
  const waitUntilReady = () =>
    until(() => isReady(options, url), {
      what: `${container} to be ready`,
      timeoutMs: READY_MS,
      everyMs: 250,
      signal,
    })

  return {
    name,
    url,
    port,
    container,
    logFile,
    /** A container's process is the engine's, not the run's. */
    pid: undefined,
    exited: new Promise<Exit>(() => {}),
    waitUntilReady,
    async start({ env = {}, preload = [] } = {}) {
      if (Object.keys(env).length > 0 || preload.length > 0)
        throw new Error(
          `${container}: a container keeps its environment and command when it is started again`,
        )
      await compose.run(['start', container])
      await waitUntilReady()
    },
    async stop() {
      const startedAt = performance.now()
      await compose.run(['stop', '--timeout', String(STOP_SECONDS), container])
      return { ...(await exitOf(compose, container)), ms: Math.round(performance.now() - startedAt) }
    },
    kill: async () => void (await compose.run(['kill', '-s', 'SIGKILL', container], { signal: NEVER })),
    pause: () => void compose.run(['pause', container]),
    resume: () => void compose.run(['unpause', container]),
  }
}

/** A container that has ended will not be ready: there is no point in waiting, and the engine knows why. */
async function isReady({ compose, container }: ComposeServiceOptions, url: string): Promise<boolean> {
  const status = await statusOf(`${url}/ready`).catch(() => undefined)
  if (status !== undefined) return status === 200
  const state = await compose.state(container)
  if (!state || state.Running) return false
  const why = state.OOMKilled ? 'the engine has too little memory for it' : `exit code ${state.ExitCode}`
  throw new Hopeless(
    `${container} ended while it started: ${why}; docker compose logs ${container} says more`,
  )
}

/** How the container ended, as the engine tells it. 137 is a SIGKILL: the grace period was not enough. */
async function exitOf(compose: Compose, container: string): Promise<Exit> {
  const code = (await compose.state(container))?.ExitCode ?? null
  return { code, signal: code === 137 ? 'SIGKILL' : null }
}

async function statusOf(url: string): Promise<number> {
  const response = await request(url, { reset: true, signal: AbortSignal.timeout(2_000) })
  await response.body.dump()
  return response.statusCode
}
