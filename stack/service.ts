import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Hopeless, until } from '@lab/kit/wait.ts'
import { request } from 'undici'
import { type Child, type Exit, startChild } from './child.ts'
import { logTail, readTail } from './log-tail.ts'
import { isPortFree, PortTaken, saysPortTaken } from './ports.ts'
import type { RunDir } from './run-dir.ts'

export type { Exit } from './child.ts'

/** For one start only. */
export interface StartOptions {
  /** Added to its environment. */
  env?: Record<string, string>
  /** Absolute paths of modules that Node runs before the service (`--import`). */
  preload?: string[]
}

/** One service of a part: the same port, log file and environment at every start. */
export interface ServiceProcess {
  readonly name: string
  readonly url: string
  readonly port: number
  /** Undefined while it does not run. */
  readonly pid: number | undefined
  readonly logFile: string
  /** How the running process ends, or how the last one ended. Pending before the first start. */
  readonly exited: Promise<Exit>
  /** Spawns it and waits for `GET /ready`. Rejects when it runs already. */
  start(options?: StartOptions): Promise<void>
  /** SIGTERM; SIGKILL when its shutdown deadline and two seconds have passed. Resolves at once when it is not running. */
  stop(): Promise<Exit & { ms: number }>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGSTOP: it keeps its connections and does nothing. */
  pause(): void
  resume(): void
}

export interface ServiceOptions {
  run: RunDir
  name: string
  /** Absolute path of the file to run. */
  entry: string
  port: number
  env: Record<string, string>
  logFile: string
  /** Flags of Node behind `NODE_FLAGS`. */
  heap?: readonly string[]
  /** How long it may take to be ready; 60 s by default. */
  readyMs?: number
  /** How long its own graceful shutdown may take; 10 s by default. */
  shutdownMs?: number
  signal?: AbortSignal | undefined
}

const HOST = '127.0.0.1'

/**
 * V8 by itself lets its young generation grow to 134 MB on a machine with much memory; services of this size need a
 * fraction of it, and run as fast. With half of this, what lives as long as a request or a batch is moved to the old generation
 * instead, and a service becomes larger and slower. And V8 compiles what is hot twice, for a while by Maglev and then by TurboFan,
 * beside the work on two processors: without the one between, the first 50,000 orders of a bulk took part C's services a sixth less
 * (34 of 41 µs each), and later ones nothing more.
 *
 * Pretenuring is V8's guess that what outlives two collections at one place of the code will live long at all others: it makes it in the
 * old generation. Here that is what waits for a transaction, a thousand orders at a time, and the dead there keep all alive that they
 * point to: the inventory moved each order to the old generation and marked it again every 5,000, 18 µs an order instead of 10.
 *
 * And V8 lets the old generation of a young process grow by some megabytes between two collections of all of it. A service at rest has 20
 * MB there, so a bulk's first 50,000 orders took ten of them in each service; from 44 MB on there is none, 28 µs an order instead of 33,
 * and a peak that is no higher. At 64 MB part B's services, which keep orders while they wait for confirms, are 30 MB larger together.
 *
 * It compiles a function for good after 3,000 calls; after half of them single orders of part C are a tenth cheaper, after a third a bulk
 * pays more for compiling than it gains. Of its four threads beside the work two have nothing to run on here, and the young generation,
 * of which little survives, is collected by the thread that waits for it: a bulk takes 3 % less than with two more woken to help.
 *
 * A process that makes Node's own modules anew instead of reading them from the snapshot in its binary has 3 MB less, and starts 50 ms later.
 *
 * The Dockerfile has the same flags.
 */
export const NODE_FLAGS = [
  '--max-semi-space-size=8',
  '--max-old-space-size=192',
  '--initial-old-space-size=44',
  '--v8-pool-size=2',
  '--no-parallel-scavenge',
  '--no-maglev',
  '--invocation-count-for-turbofan=1500',
  '--no-allocation-site-pretenuring',
  '--no-node-snapshot',
]

/**
 * By itself glibc gives each thread that allocates an arena of its own and keeps what was freed in all of them. With one, part
 * C's services were a sixth smaller under load (523 of 622 MB together), and as fast: V8 has its own memory.
 */
const MALLOC = { MALLOC_ARENA_MAX: '1' }

export function createService(options: ServiceOptions): ServiceProcess {
  const { run, name, entry, port, logFile, heap = [], shutdownMs = 10_000, signal } = options
  const base = { HOST, PORT: String(port), SHUTDOWN_DEADLINE_MS: String(shutdownMs), ...options.env }
  const firstExit = Promise.withResolvers<Exit>()
  let child: Child | undefined
  let starting: Promise<void> | undefined

  async function spawnAndWait({ env: extra, preload = [] }: StartOptions): Promise<void> {
    signal?.throwIfAborted()
    if (!(await isPortFree(port, HOST))) throw new PortTaken(`port ${port}, needed by ${name}, is in use`)
    signal?.throwIfAborted()
    const env = { ...MALLOC, ...compileCache(), ...base, ...extra }
    const imports = preload.flatMap((file) => ['--import', pathToFileURL(file).href])
    const command = { command: process.execPath, args: [...NODE_FLAGS, ...heap, ...imports, entry] }
    child = await startChild({ run, name, ...command, env, logFile })
    child.exited.then(firstExit.resolve, firstExit.reject)
    try {
      await waitUntilReady(child, options)
    } catch (err) {
      await child.kill()
      throw err
    }
  }

  return {
    name,
    url: `http://${HOST}:${port}`,
    port,
    logFile,
    get pid() {
      return child?.isRunning() ? child.pid : undefined
    },
    get exited() {
      return child?.exited ?? firstExit.promise
    },
    async start(once = {}) {
      if (starting !== undefined || child?.isRunning()) throw new Error(`${name} is running already`)
      starting = spawnAndWait(once)
      await starting.finally(() => {
        starting = undefined
      })
    },
    async stop() {
      const startedAt = performance.now()
      const stopChild = async () => child?.stop(shutdownMs + 2_000)
      await stopChild()
      await starting?.catch(() => {}) // a start that had not spawned yet; its caller hears how it ends
      const exit = await stopChild()
      return { code: null, signal: null, ...exit, ms: Math.round(performance.now() - startedAt) }
    },
    async kill() {
      await child?.kill()
    },
    pause: () => child?.signal('SIGSTOP'),
    resume: () => child?.signal('SIGCONT'),
  }
}

/**
 * Where Node keeps what it compiled. A service that finds its modules there starts with a third less work and 25 MB smaller:
 * what strips the types of a file is then never loaded.
 */
const COMPILED = join(import.meta.dirname, '../node_modules/.cache/node')
const compileCache = () => ({ NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE || COMPILED })

async function waitUntilReady(child: Child, options: ServiceOptions): Promise<void> {
  const { name, port, logFile, readyMs = 60_000, signal } = options
  const ended = () => {
    const tail = readTail(logFile)
    if (saysPortTaken(tail)) return new PortTaken(`port ${port}, needed by ${name}, is in use`)
    return new Hopeless(`${name} ended while it started. The end of ${logFile}:\n${logTail(logFile)}`)
  }
  const ready = async () => {
    if (!child.isRunning()) throw ended()
    return (await statusOf(`http://${HOST}:${port}/ready`)) === 200
  }
  await until(ready, {
    what: `${name} to be ready`,
    timeoutMs: readyMs,
    everyMs: 25,
    signal,
    detail: () => `The end of ${logFile}:\n${logTail(logFile)}`,
  })
}

async function statusOf(url: string): Promise<number> {
  // `reset` closes the connection, so that a later graceful stop has no idle one to wait for.
  const response = await request(url, { reset: true, signal: AbortSignal.timeout(2_000) })
  await response.body.dump()
  return response.statusCode
}
