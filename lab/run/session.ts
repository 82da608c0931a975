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

export interface Closable {
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
  server: SessionServers['server']
  /** For the trios' experiments. */
  rabbit: (progress?: Progress) => Promise<RabbitBroker>
  kafka: (progress?: Progress) => Promise<KafkaBroker>
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

export interface SessionOptions {
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
  const servers = createSessionServers({ run, env, signal, progress })
  const owned: Owned[] = []
  let end: Promise<void> | undefined
  let isClosed = false
  const allServers = () => [...servers.started(), ...(starter?.brokers() ?? [])]
  return {
    run,
    signal,
    server: servers.server,
    rabbit: (say) => servers.server('rabbitmq', { progress: say }),
    kafka: (say) => servers.server('kafka', { progress: say }),
    ...(starter && { startPart: starter.startPart }),
    servers: allServers,
    brokers: () => allServers().filter((one) => one.kind === 'rabbitmq' || one.kind === 'kafka'),
    own(name, thing) {
      owned.push({ name, thing })
      return thing
    },
    close(say = progress) {
      end ??= closeAll({ run, owned, servers, say }).finally(() => {
        isClosed = true
      })
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

interface Owned {
  name: string
  thing: Closable
}

interface Ending {
  run: RunDir
  owned: Owned[]
  servers: SessionServers
  say: Progress
}

/** The run folder goes last and always: it ends what the orderly way could not. */
async function closeAll({ run, owned, servers, say }: Ending): Promise<void> {
  const failures: unknown[] = []
  const closeOne = ({ name, thing }: Owned) => {
    say(`stopping ${name}`)
    return thing.close().catch((err: unknown) => failures.push(err))
  }
  try {
    const startsEnded = servers.endStarts()
    for (const one of owned.reverse()) await closeOne(one)
    await startsEnded
    // No server knows another, and RabbitMQ takes its time.
    const ours = servers.started().filter(({ origin }) => origin !== 'external')
    await Promise.all(ours.map((thing) => closeOne({ name: kindOf(thing).label, thing })))
  } finally {
    await run.close()
  }
  if (failures.length > 0) throw new AggregateError(failures, 'not everything could be stopped in order')
}

export type Progress = (text: string) => void

/** At most one server of each kind, found or started when it is asked for. */
export interface SessionServers {
  server: <Name extends ServerName>(
    name: Name,
    options?: SessionServerOptions<Name>,
  ) => Promise<Servers[Name]>
  started: () => AnyServer[]
  /** Ends starts that are under way; resolves when none is. Later calls start nothing. */
  endStarts: () => Promise<void>
}

export interface SessionServerOptions<Name extends ServerName> {
  progress?: Progress | undefined
  /** For the first call. */
  options?: ServerOptions[Name]
}

export interface SessionServersOptions {
  run: RunDir
  env: NodeJS.ProcessEnv
  signal: AbortSignal
  progress: Progress
}

function createSessionServers({ run, env, signal, progress }: SessionServersOptions): SessionServers {
  const starts = new AbortController()
  const context = { run, env, signal: AbortSignal.any([signal, starts.signal]) }
  const started: AnyServer[] = []
  const starting = new Map<ServerName, Promise<AnyServer>>()

  const begin = async <Name extends ServerName>(
    name: Name,
    { progress: say = progress, options }: SessionServerOptions<Name>,
  ) => {
    try {
      const server = await startServer(name, { ...context, progress: say }, options)
      started.push(server)
      return server
    } catch (err) {
      starts.abort(err) // nobody will use the others
      throw err
    }
  }
  return {
    server<Name extends ServerName>(name: Name, options: SessionServerOptions<Name> = {}) {
      const known = starting.get(name) ?? begin(name, options)
      starting.set(name, known)
      return known as Promise<Servers[Name]>
    },
    started: () => [...started],
    async endStarts() {
      starts.abort(new Error('the session is closing'))
      await Promise.allSettled(starting.values()) // whoever asked for one reports it
    },
  }
}
