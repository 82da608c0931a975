import { readdirSync } from 'node:fs'
import { within } from '@lab/kit/wait.ts'
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { abortOnceStarted, localContext, localObstacle, openTestRun, processesOf } from './fixtures/lab.ts'
import { checkKafka, freshKafka, wipeKafka, withAdmin } from './kafka-admin.ts'
import { isPortFree } from './ports.ts'
import { openRunDir, type RunDir } from './run-dir.ts'
import { newRunName } from './run-names.ts'
import { type KafkaBroker, startKafka } from './servers/index.ts'
import { openTcpProxy, type TcpProxy } from './tcp-proxy.ts'

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

  test('keeps acknowledged records through SIGKILL while it is paused, on the same port', async () => {
    await produce(broker, 'order-events', 'kept')

    await broker.control!.pause()
    await broker.control!.kill()
    await expect(checkKafka(broker.brokers)).rejects.toThrow()
    await broker.control!.start()

    expect(await consume(broker, 'order-events', 'second-group', 2)).toEqual(
      expect.arrayContaining(['placed', 'kept']),
    )
  })

  test('acknowledges nothing while it is paused, and goes on with the same connection', async () => {
    await createTopic(broker, 'while-paused')
    const producer = await openProducer(broker.brokers)
    await producer.send({ topic: 'while-paused', messages: [{ value: 'before' }] })

    onTestFinished(() => broker.control!.resume())
    await broker.control!.pause()
    const ack = producer.send({ topic: 'while-paused', messages: [{ value: 'meanwhile' }] })
    await expect(within(ack, 1_000, 'an acknowledgement')).rejects.toThrow('waited 1 s')
    await broker.control!.resume()

    await within(ack, 30_000, 'the acknowledgement')
  })

  test('can be stopped while it is paused', async () => {
    await broker.control!.pause()
    await broker.control!.stop()
    await broker.control!.start()

    expect(await checkKafka(broker.brokers)).toBe(1)
  })

  test('tells a client that comes through the proxy of no other address', async () => {
    const { brokers } = await openProxy(broker)
    await createTopic(broker, 'through-proxy')

    await produce({ brokers }, 'through-proxy', 'by proxy')

    const cluster = await withAdmin(brokers, (admin) => admin.describeCluster())
    expect(cluster.brokers.map(({ host, port }) => `${host}:${port}`)).toEqual(brokers)
    // A consumer also asks for its group's coordinator.
    expect(await consume({ brokers }, 'through-proxy', 'proxied-group', 1)).toEqual(['by proxy'])
    expect(await consume(broker, 'through-proxy', 'direct-group', 1)).toEqual(['by proxy'])
  })

  test('is out of reach of that client while the proxy refuses, and of nobody else', async () => {
    const { proxy, brokers } = await openProxy(broker)
    const producer = await openProducer(brokers)
    const send = (value: string) => producer.send({ topic: 'through-proxy', messages: [{ value }] })
    await send('one')

    await proxy.refuse()
    await expect(send('nobody hears')).rejects.toThrow()
    await produce(broker, 'through-proxy', 'direct')
    await proxy.heal()

    await within(send('two'), 30_000, 'the producer to come back')
    const values = await consume(broker, 'through-proxy', 'third-group', 4)
    expect(values.toSorted()).toEqual(['by proxy', 'direct', 'one', 'two'])
  })

  test('wipes topics and consumer groups', async () => {
    await wipeKafka(broker)

    expect(await topicsOf(broker)).toEqual([])
    expect(await withAdmin(broker.brokers, (admin) => admin.listGroups())).toEqual({ groups: [] })
  })

  test('deletes nothing of anybody else on an external broker, whatever it is called', async () => {
    const external: KafkaBroker = { ...broker, origin: 'external' }
    const theirs = [
      'inventory-events',
      'messaging-lab.of-somebody-else',
      'order-events',
      `${newRunName()}.running`,
    ].sort()
    for (const topic of theirs) await createTopic(broker, topic)
    await produce(broker, 'order-events', 'theirs')
    await consume(broker, 'order-events', 'inventory-group', 1)
    const ended = newRunName().split('.').with(3, '00000000').join('.')
    await createTopic(broker, `${ended}.order-events`)

    const place = await freshKafka(external)
    await createTopic(broker, `${place.prefix}order-events`)
    await produce(broker, `${place.prefix}order-events`, 'ours')
    await consume(broker, `${place.prefix}order-events`, `${place.prefix}inventory-group`, 1)
    await place.close()

    expect((await topicsOf(broker)).sort()).toEqual(theirs)
    expect(await consume(broker, 'order-events', 'somebody-else', 1)).toEqual(['theirs'])
    const { groups } = await withAdmin(broker.brokers, (admin) => admin.listGroups())
    expect(groups.map(({ groupId }) => groupId).sort()).toEqual(['inventory-group', 'somebody-else'])
  })

  test.each(['', 'order-events', 'messaging-lab.', `${newRunName()}`])(
    'refuses to delete on an external broker by the prefix "%s"',
    async (prefix) => {
      const before = await topicsOf(broker)

      await expect(wipeKafka({ ...broker, origin: 'external', prefix })).rejects.toThrow('nothing is deleted')

      expect(await topicsOf(broker)).toEqual(before)
    },
  )

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

/** A proxy where the broker tells its clients it is. */
async function openProxy({ proxied }: KafkaBroker): Promise<{ proxy: TcpProxy; brokers: string[] }> {
  const { listen, upstream } = proxied!
  const proxy = await openTcpProxy({ port: listen, upstream: { host: '127.0.0.1', port: upstream } })
  onTestFinished(() => proxy.close())
  return { proxy, brokers: [`127.0.0.1:${listen}`] }
}

type Reached = Pick<KafkaBroker, 'brokers'>

function client({ brokers }: Reached): Kafka {
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

async function openProducer(brokers: string[]): Promise<Producer> {
  const producer = client({ brokers }).producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  onTestFinished(() => producer.disconnect())
  return producer
}

async function produce(broker: Reached, topic: string, value: string): Promise<void> {
  const producer = client(broker).producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  await producer.send({ topic, acks: -1, messages: [{ value }] }).finally(() => producer.disconnect())
}

async function consume(broker: Reached, topic: string, groupId: string, count: number): Promise<string[]> {
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
