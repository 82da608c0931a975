import type { KafkaBroker, RabbitBroker } from '../stack/brokers/types.ts'

type Data<Broker> = Omit<Broker, 'control' | 'close'>

/** What `inject` answers in a test: data only, because it crosses from the runner to its workers. */
declare module 'vitest' {
  interface ProvidedContext {
    /** The runner's own run directory; `joinRunDir` makes it usable. */
    run: { id: string; path: string }
    /** In async-rabbitmq. */
    rabbit: Data<RabbitBroker>
    /** In streaming-kafka. */
    kafka: Data<KafkaBroker>
  }
}
