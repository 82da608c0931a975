import type { Pipeline } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { type KafkaProbe, openKafkaProbe } from '@lab/lab/probes/kafka.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { type RunningTrio, startTrio } from '@lab/lab/trio.ts'
import type { KafkaBroker } from '@lab/stack/servers/kafka/broker.ts'

export interface StreamingPipeline extends Pipeline {
  part: RunningTrio
  probe: KafkaProbe
}

export interface OpenOptions {
  stock?: string
  broker?: KafkaBroker
  env?: Record<string, string>
}

/** The three services of this part on empty topics, with a probe beside them. The log is what is durable here. */
export async function openPipeline({
  stock,
  broker = sharedServer('kafka'),
  env,
}: OpenOptions = {}): Promise<StreamingPipeline> {
  const run = joinRunDir()
  const part = await startTrio('streaming-kafka', {
    run,
    kafka: broker,
    env: { LOG_LEVEL: 'debug', ...shortSessions(broker), ...env },
    ...(stock === undefined ? {} : { serviceEnv: { inventory: { STOCK: stock } } }),
  })
  const probe = await openKafkaProbe(part.kafka!)
  return {
    part,
    probe,
    order: part.order,
    inventory: part.inventory,
    third: part.third,
    repeat: (order_id) => repeat(probe, order_id),
    poison: (body) => probe.produce('order-events', [{ key: null, value: body }]),
    deadLetters: () => deadLetters(probe),
    close: async () => {
      await part.close()
      await probe.close()
    },
  }
}

/** What was killed is missed for 3 s, not 6. A broker of somebody else may refuse it. */
export const shortSessions = ({ origin }: KafkaBroker) =>
  origin === 'external' ? {} : { SESSION_TIMEOUT_MS: '3000' }

async function repeat(probe: KafkaProbe, order_id: string): Promise<void> {
  const record = await waitFor(`the record of ${order_id}`, async () =>
    (await probe.readAll('order-events')).find(({ key }) => key === order_id),
  )
  await probe.produce('order-events', [record])
}

export async function deadLetters(probe: KafkaProbe) {
  const records = await probe.readAll('order-events.dlt')
  return records.map(({ value, headers }) => ({
    reason: headers.reason ?? '',
    body: value?.toString() ?? '',
    origin: `${headers.origin_topic}/${headers.origin_partition}/${headers.origin_offset}`,
  }))
}
