import type { Reporter } from '@lab/lab/report/progress.ts'
import { BROKER_NAME, type Session } from '@lab/lab/session.ts'
import type { KafkaBroker, RabbitBroker } from '@lab/lab/stack/brokers/index.ts'
import { type PartName, parts } from '@lab/lab/stack/parts.ts'

/** Finds or starts the brokers that these parts need, at the same time, before anything is measured. */
export async function startBrokers(session: Session, names: PartName[], reporter: Reporter): Promise<void> {
  const needed = new Set(names.flatMap((name) => parts[name].broker ?? []))
  const start = { rabbitmq: session.rabbit, kafka: session.kafka }
  await reporter.tasks<RabbitBroker | KafkaBroker>(
    [...needed].map((kind) => ({
      title: `${BROKER_NAME[kind]}: finding or starting it`,
      run: start[kind],
      done: (broker) => `${BROKER_NAME[kind]} ${broker.version} (${broker.origin}) at ${address(broker)}`,
    })),
  )
}

/** Where it listens, without credentials. */
function address(broker: RabbitBroker | KafkaBroker): string {
  return broker.kind === 'kafka' ? broker.brokers.join(', ') : new URL(broker.url).host
}
