import { waitFor } from '@lab/kit/wait.ts'
import { withAdmin } from '@lab/stack/kafka-admin.ts'
import { rabbitApi } from '@lab/stack/servers/rabbitmq/api.ts'
import { NotApplicable } from '../../part.ts'
import { ORDER_EVENTS } from '../../parts/streaming-kafka.ts'
import { openKafkaProbe } from '../../probes/kafka.ts'
import { openRabbitProbe, vhostOf } from '../../probes/rabbit.ts'
import {
  type Acts,
  type Fault,
  type FaultBench,
  type FaultPlan,
  inParts,
  NO_BROKER,
  NotInjected,
} from '../fault.ts'

const REFUSING_MS = 4_000
const QUEUE = 'inventory_queue'
const EXCHANGE = 'orders_exchange'
const POLICY = 'lab-refuse'

const nothing = async () => {}

const LENGTH = 5
const BACKLOG = 20
const SLOW_SECONDS = 0.2
/** With few messages at the consumer the rest is in the queue. */
const slowly = async () => ({
  options: { serviceEnv: { inventory: { PREFETCH: '5' } } },
  close: nothing,
})

/** While inventory is slow, so that there is something in it. */
const deleteQueue = ({ part, client, signal }: FaultBench): Acts => {
  const rabbit = part.rabbit!
  return {
    inject: async () => {
      await client.command('inventory', '/admin/delay', { seconds: SLOW_SECONDS })
      await using probe = await openRabbitProbe(rabbit)
      const depth = async () => (await probe.depth(QUEUE)).ready
      const ready = await waitFor('a backlog', async () => (await depth()) >= BACKLOG && depth(), { signal })
      await rabbitApi(rabbit, 'DELETE', `/queues/${vhostOf(rabbit)}/${QUEUE}`)
      return `${QUEUE} with about ${ready} messages`
    },
    heal: () => client.clearFaults('inventory'),
  }
}

const removeBinding = ({ part: { rabbit } }: FaultBench): Acts => ({
  inject: async () => {
    const binding = `/bindings/${vhostOf(rabbit!)}/e/${EXCHANGE}/q/${QUEUE}/order.placed`
    await rabbitApi(rabbit!, 'DELETE', binding)
    return `${EXCHANGE} → ${QUEUE}`
  },
  heal: nothing,
})

/** Orders that are accepted and could not be announced; none is a fault that refused nothing. */
async function heldUp({ client }: FaultBench): Promise<number> {
  const placed = (await client.orders()).filter(({ status }) => status === 'placed').length
  if (placed === 0) throw new NotInjected('the broker refused nothing')
  return placed
}

const limitLength = (bench: FaultBench): Acts => {
  const { client, part } = bench
  const rabbit = part.rabbit!
  const path = `/policies/${vhostOf(rabbit)}/${POLICY}`
  return {
    inject: async () => {
      await client.command('inventory', '/admin/delay', { seconds: SLOW_SECONDS })
      const definition = { 'max-length': LENGTH, overflow: 'reject-publish' }
      const policy = { pattern: `^${QUEUE}$`, definition, 'apply-to': 'queues' }
      await rabbitApi(rabbit, 'PUT', path, policy)
      return `${QUEUE} takes ${LENGTH}`
    },
    heal: async () => {
      const held = heldUp(bench)
      await rabbitApi(rabbit, 'DELETE', path)
      await client.clearFaults('inventory')
      await held
    },
  }
}

const alarm = (bench: FaultBench): Acts => {
  const ctl = bench.part.rabbit!.ctl
  if (!ctl) throw new NotApplicable('rabbitmqctl is not at hand for this broker')
  return {
    inject: async () => {
      await ctl('set_vm_memory_high_watermark', '0')
      return 'watermark 0'
    },
    heal: async () => {
      await heldUp(bench).finally(() => ctl('set_vm_memory_high_watermark', '0.4'))
    },
  }
}

const inRabbit = (plan: Omit<FaultPlan, 'limitMs'>) =>
  inParts(({ brokerMs }) => ({ limitMs: brokerMs, ...plan }), {
    'sync-rest': NO_BROKER,
    'streaming-kafka': 'it is about RabbitMQ',
  })

/** What RabbitMQ holds is taken away or closed while it is used. */
export const rabbitFaults: Fault[] = [
  {
    name: 'queue deleted',
    kind: 'topology',
    parts: inRabbit({
      holdMs: 500,
      on: deleteQueue,
      start: slowly,
      injectingMs: 2_000,
      loss: {
        reason: 'whoever deletes a queue deletes the messages in it; their orders stay placed',
        anomalies: ['stuck'],
      },
    }),
  },
  { name: 'binding removed', kind: 'topology', parts: inRabbit({ holdMs: 500, on: removeBinding }) },
  {
    name: 'queue full, publishes rejected',
    kind: 'topology',
    parts: inRabbit({ holdMs: REFUSING_MS, on: limitLength, start: slowly }),
  },
  {
    name: 'memory alarm, publishers blocked',
    kind: 'broker',
    parts: inRabbit({ holdMs: REFUSING_MS, injectingMs: 2_000, on: alarm }),
  },
]

/** Every other configuration of the topic goes back to its default, so what the part has set is set again. */
const KEEPS = {
  'retention.ms': '-1',
  'compression.type': 'uncompressed',
  'message.timestamp.type': 'LogAppendTime',
}

/**
 * To a topic that takes no record of a usual size, nothing can be produced. Only where orders come in: on a topic with
 * transactions the broker could not write its own markers either, and would never finish the one under way.
 */
const refuseRecords = ({ part: { kafka } }: FaultBench): Acts => {
  const takeUpTo = async (bytes: number) => {
    await using probe = await openKafkaProbe(kafka!)
    await probe.configure(ORDER_EVENTS, { ...KEEPS, 'max.message.bytes': String(bytes) })
  }
  return {
    inject: async () => {
      await takeUpTo(1)
      return 'records of 1 byte at most'
    },
    heal: () => takeUpTo(1_048_588),
  }
}

/** The log is the database: what is deleted is gone, and the services have to be started on the new one. */
const deleteTopic = ({ part }: FaultBench): Acts => ({
  inject: async () => {
    const { brokers, prefix } = part.kafka!
    await withAdmin(brokers, (admin) => admin.deleteTopics({ topics: [`${prefix}${ORDER_EVENTS}`] }))
    return ORDER_EVENTS
  },
  heal: async () => {
    for (const service of part.services) await service.stop()
    await Promise.all(part.services.map((service) => service.start()))
  },
})

const OF_KAFKA = { 'sync-rest': NO_BROKER, 'async-rabbitmq': 'it is about Kafka' }

const inKafka = (plan: Omit<FaultPlan, 'limitMs'>) =>
  inParts(({ brokerMs }) => ({ limitMs: brokerMs, ...plan }), OF_KAFKA)

/** What Kafka holds is taken away or closed while it is used. */
export const kafkaFaults: Fault[] = [
  {
    name: 'below min.insync.replicas',
    kind: 'topology',
    parts: {
      ...OF_KAFKA,
      'streaming-kafka':
        'of one broker Kafka demands no more replicas than there are (it took every order with 2): see "records refused"',
    },
  },
  {
    name: 'records refused',
    kind: 'topology',
    parts: inKafka({ holdMs: REFUSING_MS, on: refuseRecords }),
  },
  {
    name: 'topic deleted',
    kind: 'topology',
    parts: inKafka({
      holdMs: 1_000,
      on: deleteTopic,
      loss: {
        reason: 'the log is the database: whoever deletes a topic deletes its orders',
        anomalies: ['lost', 'unknown to the service', 'stuck', 'phantom', 'stock not conserved'],
      },
    }),
  },
]
