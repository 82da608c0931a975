import { setTimeout as sleep } from 'node:timers/promises'
import { type Broker, createSessionBrokers, type Progress, type SessionBrokers } from './session-brokers.ts'
import type { KafkaBroker, RabbitBroker } from './stack/brokers/index.ts'
import type { PartStarter } from './stack/compose/starter.ts'
import { findMarked, killAndWait } from './stack/process-identity.ts'
import { openRunDir, type RunDir } from './stack/run-dir.ts'
import { readRecord } from './stack/run-record.ts'

export interface Closable {
  close(): Promise<unknown>
}

export type { Progress } from './session-brokers.ts'

/**
 * One life of the lab on this machine: a run folder, at most one RabbitMQ and one Kafka, and whatever is given to it.
 * The tour, `run`, `up` and the benchmarks differ only in what they do with one.
 */
export interface Session {
  run: RunDir
  /** Aborted when the session has to end; whoever waits for something listens to it. */
  signal: AbortSignal
  /**
   * Finds or starts the broker at the first call; later calls answer the same one, or the same error. When one cannot be
   * had, the start of the other ends too.
   */
  rabbit: (progress?: Progress) => Promise<RabbitBroker>
  kafka: (progress?: Progress) => Promise<KafkaBroker>
  /** How parts are started when not as processes of this run. */
  startPart?: PartStarter['startPart']
  /** The brokers that were started so far. */
  brokers: () => Broker[]
  /** Closes `thing` with the session, in reverse order, unless it was closed before. */
  own: <Thing extends Closable>(name: string, thing: Thing) => Thing
  /**
   * Closes what is owned in reverse order, then the brokers, then every process of the run and its folder. A start under
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
  const brokers = createSessionBrokers({ run, env, signal, progress })
  const owned: Owned[] = []
  let end: Promise<void> | undefined
  let isClosed = false
  return {
    run,
    signal,
    rabbit: brokers.rabbit,
    kafka: brokers.kafka,
    ...(starter && { startPart: starter.startPart }),
    brokers: () => [...brokers.started(), ...(starter?.brokers() ?? [])],
    own(name, thing) {
      owned.push({ name, thing })
      return thing
    },
    close(say = progress) {
      end ??= closeAll({ run, owned, brokers, say }).finally(() => {
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
  brokers: SessionBrokers
  say: Progress
}

/** The run folder goes last and always: it ends what the orderly way could not. */
async function closeAll({ run, owned, brokers, say }: Ending): Promise<void> {
  const failures: unknown[] = []
  const closeOne = ({ name, thing }: Owned) => {
    say(`stopping ${name}`)
    return thing.close().catch((err: unknown) => failures.push(err))
  }
  try {
    const startsEnded = brokers.endStarts()
    for (const one of owned.reverse()) await closeOne(one)
    await startsEnded
    // Neither broker knows the other, and RabbitMQ takes its time.
    const ours = brokers.started().filter(({ origin }) => origin !== 'external')
    await Promise.all(ours.map((thing) => closeOne({ name: BROKER_NAME[thing.kind], thing })))
  } finally {
    await run.close()
  }
  if (failures.length > 0) throw new AggregateError(failures, 'not everything could be stopped in order')
}

export const BROKER_NAME = { rabbitmq: 'RabbitMQ', kafka: 'Kafka' } as const
