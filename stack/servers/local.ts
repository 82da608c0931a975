import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Hopeless, until } from '@lab/kit/wait.ts'
import { type Child, startChild } from '../child.ts'
import { logTail, readTail } from '../log-tail.ts'
import { createOutside, type Owner } from '../outside.ts'
import { PortTaken, saysPortTaken, withFreePorts } from '../ports.ts'
import { requireRoom } from '../room.ts'
import type { ServerContext, ServerControl } from './server.ts'

export interface LocalOptions<Answer> {
  /** Of its process, folder and log. */
  name: string
  label: string
  version: string
  /** How many ports of 127.0.0.1 it needs; the first one names it. */
  ports: number
  /** Completes "starting …"; 'a private server' by default. */
  what?: string
  /** Whom its process runs as, when not as the runner: it then has a folder outside of the run's own. */
  owner?: Owner | undefined
  /** Writes what the process reads. Once for each server, also when it is killed and started again. */
  prepare(room: Room): Promise<LocalProcess<Answer>>
}

/** What one private server has for itself. */
export interface Room {
  /** Its data: removed by `close`. */
  folder: string
  ports: number[]
  logFile: string
}

export interface LocalProcess<Answer> {
  command: string
  args: string[]
  /** The whole environment: by default a PATH, a locale and the folder as HOME. */
  env?: Record<string, string | undefined>
  /** What has to be there before the process, at each of its starts. */
  before?(signal?: AbortSignal): Promise<unknown>
  /** Rejects, or answers false or nothing, while the server does not serve. Bounded. */
  serves(): Promise<Answer | undefined | false>
  /** After the process has ended for good. */
  after?(): Promise<unknown>
  startMs?: number
  /** How often `serves` is asked meanwhile. */
  everyMs?: number
  /** How long an orderly shutdown may take, before SIGKILL. */
  stopMs?: number
  /** What asks for one; SIGTERM by default. */
  stopSignal?: NodeJS.Signals
  /** The same when what is on disk is not needed any more. */
  endMs?: number
}

export interface LocalServer<Answer> extends Room {
  /** What the server said when it first served. */
  answer: Answer
  control: ServerControl
  /** The same server on the same ports, with nothing in it. */
  renew(): Promise<void>
  close(): Promise<void>
}

const START_MS = 60_000
const STOP_MS = 20_000
const END_MS = 3_000

/**
 * A private server of this run on free ports: its process is the run's, its data lives in the run's folder and outlives
 * the process until `close`. Resolves when it serves. On failure or abort nothing of it is left.
 */
export async function startLocal<Answer>(
  ctx: ServerContext,
  options: LocalOptions<Answer>,
): Promise<LocalServer<Answer>> {
  const { label, version, what = 'a private server' } = options
  await requireRoom(ctx.run.path, label)
  ctx.progress(`${label} ${version}: starting ${what}`)
  const startedAt = performance.now()
  return withFreePorts(options.ports, async (ports) => {
    const server = await startOn(ctx, options, ports)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    ctx.progress(`${label} ${version}: serving on port ${ports[0]} after ${seconds} s`)
    return server
  })
}

async function startOn<Answer>(
  ctx: ServerContext,
  { name, label, owner, prepare }: LocalOptions<Answer>,
  ports: number[],
): Promise<LocalServer<Answer>> {
  const folderName = `${name}-${ports[0]}`
  const logFile = join(await ctx.run.sub('logs'), `${folderName}.log`)
  const create = async () => (owner ? createOutside(ctx.run.id, folderName, owner) : ctx.run.sub(folderName))
  const room = { folder: await create(), ports, logFile }
  const empty = () => rm(room.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  const open = async () => serverProcess({ ctx, name, label, owner, room, spec: await prepare(room) })
  let server: Awaited<ReturnType<typeof open>> | undefined
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= (server?.end() ?? Promise.resolve()).finally(empty)
    return closing
  }
  try {
    server = await open()
    const answer = await server.start(ctx.signal)
    let current = server
    return {
      ...room,
      answer,
      control: {
        kill: () => current.kill(),
        stop: () => current.stop(),
        pause: () => current.pause(),
        resume: () => current.resume(),
        pid: () => current.pid(),
        start: async () => void (await current.start()),
      },
      async renew() {
        await current.end()
        await empty()
        await create()
        server = current = await open()
        await current.start()
      },
      close,
    }
  } catch (err) {
    await close()
    throw err
  }
}

interface ProcessOptions<Answer> {
  ctx: ServerContext
  name: string
  label: string
  owner: Owner | undefined
  room: Room
  spec: LocalProcess<Answer>
}

/** The same process over and over: started, ended in some way, started again. */
function serverProcess<Answer>(options: ProcessOptions<Answer>) {
  const { ctx, name, owner, room, spec } = options
  const { stopMs = STOP_MS, endMs = END_MS, stopSignal = 'SIGTERM' } = spec
  const { folder, logFile } = room
  let child: Child | undefined
  let ended = false

  const end = async () => {
    ended = true
    if (child?.isRunning()) await child.stop(endMs, stopSignal)
    await spec.after?.()
  }
  return {
    end,
    async start(signal?: AbortSignal): Promise<Answer> {
      await spec.before?.(signal)
      if (!child?.isRunning()) {
        const { command, args, env = plainEnv(folder) } = spec
        child = await startChild({ run: ctx.run, name, command, args, env, logFile, cwd: folder, owner })
      }
      if (ended) await end() // it was closed while it was being started
      return waitUntilServing(options, child, signal)
    },
    async kill() {
      await child?.kill()
    },
    async stop() {
      if (child?.isRunning()) await child.stop(stopMs, stopSignal)
    },
    async pause() {
      await child?.pause()
    },
    async resume() {
      child?.resume()
    },
    pid: () => (child?.isRunning() ? child.pid : undefined),
  }
}

async function waitUntilServing<Answer>(
  { label, room, spec }: ProcessOptions<Answer>,
  child: Child,
  signal?: AbortSignal,
): Promise<Answer> {
  const { logFile } = room
  const serves = async () => {
    if (child.isRunning()) return spec.serves()
    if (saysPortTaken(readTail(logFile))) throw new PortTaken(`a port of ${label} was taken meanwhile`)
    throw new Hopeless(`${label} ended while it started. The end of ${logFile}:\n${logTail(logFile)}`)
  }
  return until(serves, {
    what: `${label} to serve`,
    timeoutMs: spec.startMs ?? START_MS,
    everyMs: spec.everyMs ?? 25,
    signal,
    detail: () => `The end of ${logFile}:\n${logTail(logFile)}`,
  })
}

/** Nothing of the user's own environment. */
export const plainEnv = (folder: string) => ({
  PATH: '/usr/local/bin:/usr/bin:/bin',
  LANG: 'C.UTF-8',
  HOME: folder,
})

export interface Tool {
  name: string
  command: string
  args: string[]
  owner?: Owner | undefined
  /** What has failed when it fails, as the start of a sentence. */
  failure: string
}

const TOOL_MS = 60_000

/** Runs a program of the server to its end, in the server's folder and log. Rejects when it fails, and on abort. */
export async function runTool(
  { run }: Pick<ServerContext, 'run'>,
  { folder, logFile }: Room,
  { failure, ...tool }: Tool,
  signal?: AbortSignal,
): Promise<void> {
  const child = await startChild({ run, ...tool, env: plainEnv(folder), logFile, cwd: folder })
  const stop = () => void child.kill()
  const limit = setTimeout(stop, TOOL_MS)
  signal?.addEventListener('abort', stop)
  try {
    const { code } = await child.exited
    signal?.throwIfAborted()
    if (code !== 0) throw new Error(`${failure}. The end of ${logFile}:\n${logTail(logFile)}`)
  } finally {
    clearTimeout(limit)
    signal?.removeEventListener('abort', stop)
  }
}
