import { readdirSync } from 'node:fs'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type KafkaBroker, startKafka } from './brokers/index.ts'
import { abortOnceStarted, localContext, localObstacle, openTestRun, processesOf } from './fixtures/lab.ts'
import { checkKafka, wipeKafka, withAdmin } from './kafka-admin.ts'
import { isPortFree } from './ports.ts'
import { openRunDir, type RunDir } from './run-dir.ts'

const obstacle = await localObstacle('kafka')

describe.skipIf(obstacle)(`private Kafka ${obstacle ?? ''}`, () => {
  let run: RunDir
  let broker: KafkaBroker
  beforeAll(async () => {
    run = await openRunDir()
    broker = await startKafka(localContext(run))
  })
  afterAll(() => run.close())

  test('serves a produce and a consume without a warning from Node', async () => {
    const warnings: string[] = []
    const listen = (warning: Error) => void warnings.push(warning.name)
    process.on('warning', listen)
    onTestFinished(() => void process.off('warning', listen))
    await createTopic(broker, 'order-events')

    await produce(broker, 'order-events', 'placed')

    expect(await consume(broker, 'order-events', 'inventory-group', 1)).toEqual(['placed'])
    expect(warnings).toEqual([])
  })

  test('creates no topic by a typo', async () => {
    await expect(produce(broker, 'oder-events', 'lost')).rejects.toThrow('does not host this topic-partition')

    expect(await topicsOf(broker)).not.toContain('oder-events')
  })

  test('keeps acknowledged records through SIGKILL, on the same port', async () => {
    await produce(broker, 'order-events', 'kept')

    await broker.control!.kill()
    await expect(checkKafka(broker.brokers)).rejects.toThrow()
    await broker.control!.start()

    expect(await consume(broker, 'order-events', 'second-group', 2)).toEqual(
      expect.arrayContaining(['placed', 'kept']),
    )
  })

  test('wipes topics and consumer groups', async () => {
    await wipeKafka(broker)

    expect(await topicsOf(broker)).toEqual([])
    expect(await withAdmin(broker.brokers, (admin) => admin.listGroups())).toEqual({ groups: [] })
  })

  test('wipes nothing on an external broker but what the lab owns', async () => {
    await createTopic(broker, 'orders.of-somebody-else')
    await createTopic(broker, 'inventory-events')

    await wipeKafka({ ...broker, origin: 'external' })

    expect(await topicsOf(broker)).toEqual(['orders.of-somebody-else'])
  })

  test('uses an external broker as it is and leaves it running', async () => {
    const env = { KAFKA_BROKERS: broker.brokers.join(',') }
    const external = await startKafka({ run, env, progress: () => {} })

    await external.close()

    expect(external).toMatchObject({ origin: 'external', version: 'unknown' })
    expect(await checkKafka(broker.brokers)).toBe(1)
  })

  test('leaves no process, port or folder after close', async () => {
    const port = Number(broker.brokers[0]?.split(':')[1])
    expect(processesOf(run)).toHaveLength(1)

    await Promise.all([broker.close(), broker.close()])

    expect(processesOf(run)).toEqual([])
    expect(await isPortFree(port)).toBe(true)
    expect(readdirSync(run.path).filter((name) => name.startsWith('kafka'))).toEqual([])
  })
})

describe.skipIf(obstacle)('private Kafka on abort', () => {
  test.each(['kafka-format', 'kafka'])('leaves nothing of a start aborted while %s runs', async (name) => {
    const run = await openTestRun()
    const stop = new AbortController()
    const starting = startKafka(localContext(run, stop.signal))
    await abortOnceStarted(run, name, stop)

    await expect(starting).rejects.toThrow('Ctrl-C')

    expect(processesOf(run)).toEqual([])
    expect(readdirSync(run.path).filter((name) => name.startsWith('kafka'))).toEqual([])
  })
})

function client({ brokers }: KafkaBroker): Kafka {
  return new Kafka({ clientId: 'test', brokers, logLevel: logLevel.NOTHING, retry: { retries: 3 } })
}

async function createTopic(broker: KafkaBroker, topic: string): Promise<void> {
  await withAdmin(broker.brokers, (admin) =>
    admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: true }),
  )
}

async function topicsOf(broker: KafkaBroker): Promise<string[]> {
  const topics = await withAdmin(broker.brokers, (admin) => admin.listTopics())
  return topics.filter((topic) => !topic.startsWith('__'))
}

async function produce(broker: KafkaBroker, topic: string, value: string): Promise<void> {
  const producer = client(broker).producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  await producer.send({ topic, acks: -1, messages: [{ value }] }).finally(() => producer.disconnect())
}

async function consume(
  broker: KafkaBroker,
  topic: string,
  groupId: string,
  count: number,
): Promise<string[]> {
  const consumer = client(broker).consumer({ groupId, maxWaitTimeInMs: 250 })
  const values: string[] = []
  const enough = Promise.withResolvers<void>()
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      values.push(String(message.value))
      if (values.length >= count) enough.resolve()
    },
  })
  await enough.promise.finally(() => consumer.disconnect())
  return values
}
