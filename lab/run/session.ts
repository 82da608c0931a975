import { setTimeout as sleep } from 'node:timers/promises'
import type { PartStarter } from '@lab/stack/compose/starter.ts'
import { findMarked, killAndWait } from '@lab/stack/process-identity.ts'
import { openRunDir, type RunDir } from '@lab/stack/run-dir.ts'
import { readRecord } from '@lab/stack/run-record.ts'
import {
  type AnyServer,
  type KafkaBroker,
  kindOf,
  type RabbitBroker,
  type ServerName,
  type ServerOptions,
  type Servers,
  startServer,
} from '@lab/stack/servers/index.ts'

export type Progress = (text: string) => void

interface Closable {
  close(): Promise<unknown>
}

/**
 * One life of the lab on this machine: a run folder, at most one server of each kind, and whatever is given to it.
 * The tour, `run`, `up` and the benchmarks differ only in what they do with one.
 */
export interface Session {
  run: RunDir
  /** Aborted when the session has to end; whoever waits for something listens to it. */
  signal: AbortSignal
  /**
   * Finds or starts the server at the first call; later calls answer the same one, or the same error. When one cannot be
   * had, the start of the others ends too.
   */
  server: <Name extends ServerName>(
    name: Name,
    first?: { progress?: Progress; options?: ServerOptions[Name] | undefined },
  ) => Promise<Servers[Name]>
  /** How parts are started when not as processes of this run. */
  startPart?: PartStarter['startPart']
  /** The servers that were started so far, those that parts brought along included. */
  servers: () => AnyServer[]
  /** The RabbitMQ and Kafka among them: what results are compared by. */
  brokers: () => (RabbitBroker | KafkaBroker)[]
  /** Closes `thing` with the session, in reverse order, unless it was closed before. */
  own: <Thing extends Closable>(name: string, thing: Thing) => Thing
  /**
   * Closes what is owned in reverse order, then the servers, then every process of the run and its folder. A start under
   * way is aborted. What cannot be closed in order is ended with the folder. Idempotent.
   */
  close: (progress?: Progress) => Promise<void>
  /** SIGKILL to every process of the run, now and until it is closed: `close` then has nothing left to wait for. */
  force: () => Promise<void>
}

interface SessionOptions {
  env: NodeJS.ProcessEnv
  signal: AbortSignal
  progress: Progress
  /** Starts parts in another way than as processes, each with a broker of its own. */
  starter?: PartStarter | undefined
  /** The folder that holds the run folders; the usual one by default. */
  base?: string
}

const FORCE_EVERY_MS = 100

export async function openSession(options: SessionOptions): Promise<Session> {
  const { env, signal, progress, starter, base } = options
  const run = await openRunDir({ env, progress, ...(base && { base }) })
  const starts = new AbortController()
  const started: AnyServer[] = []
  const starting = new Map<ServerName, Promise<AnyServer>>()
  const owned: { name: string; thing: Closable }[] = []
  let end: Promise<void> | undefined
  let isClosed = false

  const start: Session['server'] = async (name, { progress: say = progress, options } = {}) => {
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
  const servers = () => [...started, ...(starter?.brokers() ?? [])]
  return {
    run,
    signal,
    server<Name extends ServerName>(name: Name, first?: Parameters<typeof start<Name>>[1]) {
      const known = starting.get(name) ?? start(name, first)
      starting.set(name, known)
      return known as Promise<Servers[Name]>
    },
    ...(starter && { startPart: starter.startPart }),
    servers,
    brokers: () => servers().filter((one) => one.kind === 'rabbitmq' || one.kind === 'kafka'),
    own(name, thing) {
      owned.push({ name, thing })
      return thing
    },
    close(say = progress) {
      end ??= closeAll(say)
      return end
    },
    async force() {
      while (!isClosed) {
        const children = [...(readRecord(run.path)?.children ?? []), ...findMarked(run.path)]
        await Promise.all(children.map((child) => killAndWait(child)))
        await sleep(FORCE_EVERY_MS)
      }
    },
  }
}
