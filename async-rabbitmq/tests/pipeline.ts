import { newMessageId } from '@lab/common/ids.ts'
import type { Pipeline } from '@lab/common/testing/pipeline.ts'
import { openRabbitProbe, type RabbitProbe } from '@lab/lab/probes/rabbit.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { type RunningTrio, type StartTrioOptions, startTrio } from '@lab/lab/trio.ts'
import type { RabbitBroker } from '@lab/stack/servers/rabbitmq/broker.ts'

export interface RabbitPipeline extends Pipeline {
  order: RunningTrio['order']
  inventory: RunningTrio['inventory']
  third: RunningTrio['third']
  part: RunningTrio
  probe: RabbitProbe
}

export interface OpenOptions extends Pick<StartTrioOptions, 'durable' | 'env' | 'serviceEnv'> {
  stock?: string
  broker?: RabbitBroker
}

/** The three services of this part on a virtual host of their own, with a probe beside them. */
export async function openPipeline({
  stock,
  durable = false,
  broker = sharedServer('rabbitmq'),
  env,
  serviceEnv,
}: OpenOptions = {}): Promise<RabbitPipeline> {
  const inventory = { ...serviceEnv?.inventory, ...(stock === undefined ? {} : { STOCK: stock }) }
  const part = await startTrio('async-rabbitmq', {
    run: joinRunDir(),
    rabbit: broker,
    durable,
    env: { LOG_LEVEL: 'info', ...env },
    serviceEnv: { ...serviceEnv, inventory },
  })
  const probe = await openRabbitProbe(part.rabbit!)
  const announced = await probe.tap('order.placed')
  const { order, inventory: inventoryService, third } = part
  return {
    part,
    probe,
    order,
    inventory: inventoryService,
    third,
    repeat: async (order_id) => {
      const placed = await announced.find(order_id, ({ properties }) => properties.correlationId === order_id)
      await probe.publish(placed.routingKey, placed.body, placed.properties)
    },
    poison: (body) => probe.publish('order.placed', body, { messageId: newMessageId() }),
    deadLetters: () => deadLetters(probe),
    secrets: [`:${new URL(part.rabbit!.url).password}@`],
    close: async () => {
      await probe.close().catch(() => {
        // The broker of this test may be gone; the connection then is too.
      })
      await part.close()
    },
  }
}

export async function deadLetters(probe: RabbitProbe) {
  const messages = await probe.peek('dlq_queue', 1_000)
  return messages.map(({ body, headers, routingKey }) => ({
    body,
    headers,
    routingKey,
    reason: String(headers['x-reason'] ?? ''),
  }))
}
