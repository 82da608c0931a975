import type { PartClient } from '../../parts/client.ts'
import type { RunningTrio } from '../../trio.ts'
import type { TargetResult } from '../finding.ts'
import type { FuzzOptions } from '../http/fuzz-route.ts'
import { fuzzQueue, queueTarget } from '../messages/fuzz-queue.ts'
import { fuzzTopic, topicTarget } from '../messages/fuzz-topic.ts'
import { TOPICS } from '../messages/kafka-cases.ts'
import { QUEUES } from '../messages/rabbit-cases.ts'
import { idsFor } from './ids.ts'

export interface ConsumersFuzz {
  part: RunningTrio
  client: PartClient
  wants: (target: string) => boolean
}

/** Fuzzes every consumer of a part, one queue or topic after the other. Part A has none. */
export async function fuzzConsumers(
  { part, client, wants }: ConsumersFuzz,
  options: FuzzOptions,
): Promise<TargetResult[]> {
  const fuzz = { part, client, ids: idsFor(options.seed) }
  const results: TargetResult[] = []
  if (part.rabbit)
    for (const spec of QUEUES.filter((queue) => wants(queueTarget(queue))))
      results.push(await fuzzQueue(spec, fuzz, options))
  if (part.kafka)
    for (const spec of TOPICS.filter((topic) => wants(topicTarget(topic))))
      results.push(await fuzzTopic(spec, fuzz, options))
  return results
}
