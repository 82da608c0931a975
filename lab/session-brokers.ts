import {
  type BrokerContext,
  type KafkaBroker,
  type RabbitBroker,
  startKafka,
  startRabbit,
} from './stack/brokers/index.ts'
import type { RunDir } from './stack/run-dir.ts'

export type Progress = (text: string) => void
export type Broker = RabbitBroker | KafkaBroker

/** At most one RabbitMQ and one Kafka, found or started when they are asked for. */
export interface SessionBrokers {
  rabbit: (progress?: Progress) => Promise<RabbitBroker>
  kafka: (progress?: Progress) => Promise<KafkaBroker>
  started: () => Broker[]
  /** Ends starts that are under way; resolves when none is. Later calls start nothing. */
  endStarts: () => Promise<void>
}

export interface SessionBrokersOptions {
  run: RunDir
  env: NodeJS.ProcessEnv
  signal: AbortSignal
  progress: Progress
}

export function createSessionBrokers({ run, env, signal, progress }: SessionBrokersOptions): SessionBrokers {
  const starts = new AbortController()
  const context = { run, env, signal: AbortSignal.any([signal, starts.signal]) }
  const started: Broker[] = []
  const pending: Promise<unknown>[] = []

  const once = <One extends Broker>(start: (context: BrokerContext) => Promise<One>) => {
    let broker: Promise<One> | undefined
    return (say = progress) => {
      broker ??= begin(start({ ...context, progress: say }))
      return broker
    }
  }
  const begin = <One extends Broker>(starting: Promise<One>) => {
    const noted = starting.then(
      (broker) => {
        started.push(broker)
        return broker
      },
      (err: unknown) => {
        starts.abort(err) // nobody will use the other one
        throw err
      },
    )
    pending.push(noted.catch(() => {})) // its caller reports it; here only its end matters
    return noted
  }
  return {
    rabbit: once(startRabbit),
    kafka: once(startKafka),
    started: () => [...started],
    async endStarts() {
      starts.abort(new Error('the session is closing'))
      await Promise.all(pending)
    },
  }
}
