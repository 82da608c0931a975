import type { Pipeline } from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/common/testing/wait.ts'
import { type KafkaProbe, openKafkaProbe } from '@lab/lab/probes/kafka.ts'
import type { KafkaBroker } from '@lab/lab/stack/brokers/types.ts'
import { type RunningPart, startPart } from '@lab/lab/stack/part.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { inject } from 'vitest'

export interface StreamingPipeline extends Pipeline {
  part: RunningPart
  probe: KafkaProbe
}

export interface OpenOptions {
  stock?: string
  broker?: KafkaBroker
  env?: Record<string, string>
}

/** The broker of this test run, as the tests may use it: it is not theirs to stop. */
const sharedBroker = (): KafkaBroker => ({ ...inject('kafka'), close: async () => {} })

/** The three services of this part on empty topics, with a probe beside them. The log is what is durable here. */
export async function openPipeline({
  stock,
  broker = sharedBroker(),
  env,
}: OpenOptions = {}): Promise<StreamingPipeline> {
  const run = joinRunDir()
  const part = await startPart('streaming-kafka', {
    run,
    kafka: broker,
    env: { LOG_LEVEL: 'debug', ...env },
    ...(stock === undefined ? {} : { serviceEnv: { inventory: { STOCK: stock } } }),
  })
  const probe = await openKafkaProbe(broker)
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
