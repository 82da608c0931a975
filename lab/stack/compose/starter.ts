import type { KafkaBroker, RabbitBroker } from '../brokers/types.ts'
import type { RunningPart, StartPartOptions } from '../part.ts'
import type { PartName } from '../parts.ts'
import { findCompose } from './cli.ts'
import { startComposePart } from './part.ts'

export interface PartStarter {
  /** Starts a part with whatever it needs, its broker included. */
  startPart: (name: PartName, options: StartPartOptions) => Promise<RunningPart>
  /** The brokers that came with the parts so far, one of each kind. */
  brokers: () => (RabbitBroker | KafkaBroker)[]
}

/** Parts as containers of their own compose files. Rejects with a `ComposeError` of one line where that cannot be. */
export async function composeStarter(processEnv: NodeJS.ProcessEnv): Promise<PartStarter> {
  await findCompose(processEnv)
  const seen = new Map<string, RabbitBroker | KafkaBroker>()
  return {
    brokers: () => [...seen.values()],
    startPart: async (name, options) => {
      const part = await startComposePart(name, { ...options, processEnv })
      for (const broker of [part.rabbit, part.kafka]) if (broker) seen.set(broker.kind, broker)
      return part
    },
  }
}
