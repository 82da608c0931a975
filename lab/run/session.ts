import { setTimeout as sleep } from 'node:timers/promises'
import type { PartStarter } from '@lab/stack/compose/starter.ts'
import { findMarked, killAndWait } from '@lab/stack/process-identity.ts'
import { openRunDir } from '@lab/stack/run-dir.ts'
import { readRecord } from '@lab/stack/run-record.ts'
import {
  type AnyServer,
  kindOf,
  type ServerName,
  type ServerOptions,
  type Servers,
  startServer,
} from '@lab/stack/servers/index.ts'

export type Progress = (text: string) => void

interface Closable {
  close(): Promise<unknown>
}

export type Session = Awaited<ReturnType<typeof openSession>>

interface SessionOptions {
  env: NodeJS.ProcessEnv
  signal: AbortSignal
  progress: Progress
  /** Starts parts in another way than as processes, each with a broker of its own. */
  starter?: PartStarter | undefined
  /** The folder that holds the run folders; the usual one by default. */
  base?: string
}

interface First<Name extends ServerName> {
  progress?: Progress
  options?: ServerOptions[Name] | undefined
}

const FORCE_EVERY_MS = 100

/**
 * One life of the lab on this machine: a run folder, at most one server of each kind, and whatever is given to it.
 * The tour, `run`, `up` and the benchmarks differ only in what they do with one.
 */
export async function openSession(options: SessionOptions) {
  const { env, signal, progress, starter, base } = options
  const run = await openRunDir({ env, progress, ...(base && { base }) })
  const starts = new AbortController()
  const started: AnyServer[] = []
  const starting = new Map<ServerName, Promise<AnyServer>>()
  const owned: { name: string; thing: Closable }[] = []
  let end: Promise<void> | undefined
  let isClosed = false

  const start = async <Name extends ServerName>(
    name: Name,
    { progress: say = progress, options }: First<Name> = {},
  ): Promise<Servers[Name]> => {
    try {
      const context = { run, env, signal: AbortSignal.any([signal, starts.signal]), progress: say }
      const server = await startServer(name, context, options)
      started.push(server)
      return server
    } catch (err) {
      starts.abort(err) // nobody will use the others
      throw err
    }
  }
  /** The run folder goes last and always: it ends what the orderly way could not. */
  const closeAll = async (say: Progress) => {
    const failures: unknown[] = []
    const closeOne = (name: string, thing: Closable) => {
      say(`stopping ${name}`)
      return thing.close().catch((err: unknown) => failures.push(err))
    }
    try {
      starts.abort(new Error('the session is closing'))
      for (const { name, thing } of owned.reverse()) await closeOne(name, thing)
      await Promise.allSettled(starting.values()) // whoever asked for one reports it
      // No server knows another, and RabbitMQ takes its time.
      const ours = started.filter(({ origin }) => origin !== 'external')
      await Promise.all(ours.map((server) => closeOne(kindOf(server).label, server)))
    } finally {
      await run.close()
      isClosed = true
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be stopped in order')
  }
  /** The servers that were started so far, those that parts brought along included. */
  const servers = (): AnyServer[] => [...started, ...(starter?.brokers() ?? [])]
  return {
    run,
    /** Aborted when the session has to end; whoever waits for something listens to it. */
    signal,
    /** Finds or starts the server at the first call. When one cannot be had, the start of the others ends too. */
    server<Name extends ServerName>(name: Name, first?: First<Name>) {
      const known = starting.get(name) ?? start(name, first)
      starting.set(name, known)
      return known as Promise<Servers[Name]>
    },
    /** How parts are started when not as processes of this run. */
    startPart: starter?.startPart,
    servers,
    /** The RabbitMQ and Kafka among them: what results are compared by. */
    brokers: () => servers().filter((one) => one.kind === 'rabbitmq' || one.kind === 'kafka'),
    /** Closes `thing` with the session, in reverse order, unless it was closed before. */
    own<Thing extends Closable>(name: string, thing: Thing): Thing {
      owned.push({ name, thing })
      return thing
    },
    /**
     * Closes what is owned in reverse order, then the servers, then every process of the run and its folder. A start under
     * way is aborted. What cannot be closed in order is ended with the folder. Idempotent.
     */
    close(say: Progress = progress) {
      end ??= closeAll(say)
      return end
    },
    /** SIGKILL to every process of the run, now and until it is closed: `close` then has nothing left to wait for. */
    async force() {
      while (!isClosed) {
        const children = [...(readRecord(run.path)?.children ?? []), ...findMarked(run.path)]
        await Promise.all(children.map((child) => killAndWait(child)))
        await sleep(FORCE_EVERY_MS)
      }
    },
  }
}
