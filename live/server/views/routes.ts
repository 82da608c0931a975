import { LabError, messageOf } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import type { KafkaLog } from '@lab/stack/kafka-log.ts'
import { z } from 'zod'
import type { Replay } from '../../wire/views.ts'
import type { LaneSource } from '../flow/lanes.ts'
import { kafkaView } from './kafka.ts'
import { rabbitView } from './rabbit.ts'
import { browse, RecordsQuery } from './records.ts'
import { createReplay } from './replay.ts'

export interface ViewRoutesDeps {
  lanes: readonly LaneSource[]
  publish: (replay: Replay) => void
}

const OfPart = z.strictObject({ part: z.string().max(100) })

/** What the brokers themselves say: topics, groups and records of Kafka, the topology of RabbitMQ. */
export function viewRoutes({ lanes, publish }: ViewRoutesDeps): RoutePlugin {
  const logs = new Map<string, Promise<KafkaLog>>()
  const replay = createReplay(publish)

  const laneOf = (part: string, server: 'kafka' | 'rabbitmq') => {
    const lane = lanes.find(({ name }) => name === part)
    if (!lane?.[server]) throw new LabError('LAB_NOT_FOUND', `part: '${part}' has no ${server} here`)
    return lane
  }
  const logOf = (lane: LaneSource) => {
    const { brokers } = lane.kafka!
    const open = async () =>
      (await import('@lab/stack/kafka-log.ts')).openKafkaLog(brokers, 'live-page-views')
    const log = logs.get(lane.name) ?? open()
    logs.set(lane.name, log)
    return log
  }
  const asked = async <Answer>(what: string, question: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await question()
    } catch (cause) {
      if (cause instanceof LabError) throw cause
      throw new LabError('LAB_DEPENDENCY_UNAVAILABLE', `${what}: ${messageOf(cause)}`, {
        retryable: true,
        cause,
      })
    }
  }

  return async (app) => {
    const tags = ['brokers']
    app.get(
      '/api/views/kafka',
      { schema: { summary: 'Topics, partitions, groups', tags, querystring: OfPart } },
      ({ query }) => {
        const lane = laneOf(query.part, 'kafka')
        return asked('Kafka', async () => kafkaView(await logOf(lane), lane.name, lane.kafka!.prefix))
      },
    )
    app.get(
      '/api/views/kafka/records',
      { schema: { summary: 'Records, read as a member of no group', tags, querystring: RecordsQuery } },
      ({ query }) => {
        const lane = laneOf(query.part, 'kafka')
        return asked('Kafka', async () => {
          const log = await logOf(lane)
          const topic = `${lane.kafka!.prefix}${query.topic}`
          if (!(await log.topics()).includes(topic))
            throw new LabError('LAB_NOT_FOUND', `topic: there is no topic '${query.topic}'`)
          return browse(log, topic, query)
        })
      },
    )
    app.post(
      '/admin/views/kafka/replay',
      { schema: { summary: 'Count everything again from the log', tags, body: OfPart } },
      async ({ body }, reply) => {
        const lane = laneOf(body.part, 'kafka')
        const begun = await asked('analytics', () => replay.start(lane))
        return reply.code(202).send(begun as never)
      },
    )
    app.get(
      '/api/views/rabbitmq',
      { schema: { summary: 'Exchanges, bindings, queues', tags, querystring: OfPart } },
      ({ query }) => {
        const lane = laneOf(query.part, 'rabbitmq')
        return asked('RabbitMQ', () => rabbitView(lane.rabbitmq!, lane.name))
      },
    )

    app.addHook('onClose', async () => {
      replay.close()
      await Promise.all([...logs.values()].map(async (log) => (await log).close()))
    })
  }
}
