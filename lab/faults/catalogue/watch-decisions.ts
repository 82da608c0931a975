import { z } from 'zod'
import { INVENTORY_EVENTS } from '../../experiments/topic-count.ts'
import { openKafkaProbe } from '../../probes/kafka.ts'
import { openRabbitProbe } from '../../probes/rabbit.ts'
import type { FaultBench } from '../fault.ts'

export interface DecisionWatch {
  /** Orders with more than one decision, past what the ledger sees. */
  complaints: () => Promise<string[]>
  close: () => Promise<void>
}

const Event = z.object({ id: z.string(), subject: z.string() })

/** Follows what inventory announces from now on: at the exchange in B, in the log in C. */
export async function watchDecisions({ part, signal }: FaultBench): Promise<DecisionWatch> {
  if (part.kafka) return { complaints: () => inLog(part.kafka!, signal), close: async () => {} }
  const probe = await openRabbitProbe(part.rabbit!)
  const { messages } = await probe.tap('inventory.*')
  return {
    complaints: async () => {
      const events = messages.map(({ body }) => Event.parse(JSON.parse(String(body))))
      // The same event may be published again, and consumers know it by its id: another id is another decision.
      return twice(events, ({ id }) => id, 'announced with two message ids')
    },
    close: probe.close,
  }
}

/** Readers of committed records only: what a fenced owner had begun is not among them. */
async function inLog(kafka: Parameters<typeof openKafkaProbe>[0], signal: AbortSignal): Promise<string[]> {
  await using probe = await openKafkaProbe(kafka)
  const records = await probe.readAll(INVENTORY_EVENTS, { signal, timeoutMs: 60_000 })
  const events = records.map(({ value }) => Event.parse(JSON.parse(String(value))))
  // The id follows from the order: each decision has one record, so a second one is a second write.
  return twice(
    [...events.entries()],
    ([at]) => String(at),
    'decided twice in the log',
    ([, event]) => event,
  )
}

function twice<One>(
  all: One[],
  identity: (one: One) => string,
  what: string,
  eventOf: (one: One) => z.infer<typeof Event> = (one) => one as z.infer<typeof Event>,
): string[] {
  const groups = Map.groupBy(all, (one) => eventOf(one).subject)
  const several = [...groups].filter(([, group]) => new Set(group.map(identity)).size > 1)
  return several.length === 0 ? [] : [`${several.length} orders ${what}, e.g. ${several[0]![0]}`]
}
