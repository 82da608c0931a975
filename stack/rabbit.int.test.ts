import { once } from 'node:events'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { within } from '@lab/kit/wait.ts'
import { type ConfirmChannel, connect } from 'amqplib'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { abortOnceStarted, localContext, localObstacle, openTestRun, processesOf } from './fixtures/lab.ts'
import { isPortFree } from './ports.ts'
import { freshVhost } from './rabbit-vhost.ts'
import { openRunDir, type RunDir } from './run-dir.ts'
import { type RabbitBroker, startRabbit } from './servers/index.ts'
import { rabbitApi } from './servers/rabbitmq/api.ts'
import { troubleOf } from './servers/trouble.ts'
import { openTcpProxy } from './tcp-proxy.ts'

const obstacle = await localObstacle('rabbitmq')

describe.skipIf(obstacle)(`private RabbitMQ ${obstacle ?? ''}`, () => {
  let run: RunDir
  let broker: RabbitBroker
  beforeAll(async () => {
    run = await openRunDir()
    broker = await startRabbit(localContext(run))
  })
  afterAll(() => run.close())

  test('serves AMQP and the management API to guest', async () => {
    await publishAndGet(broker.url, 'hello')

    expect(broker.version).toMatch(/^\d+\.\d+\.\d+/)
    const overview = await rabbitApi<{ rabbitmq_version: string }>(broker, 'GET', '/overview')
    expect(overview.rabbitmq_version).toBe(broker.version)
  })

  test('runs the management and prometheus plugins', async () => {
    // The node reports its plugins with its first statistics.
    const plugins = async () =>
      (await rabbitApi<{ enabled_plugins?: string[] }[]>(broker, 'GET', '/nodes'))[0]?.enabled_plugins

    await expect
      .poll(plugins, { timeout: 15_000 })
      .toEqual(expect.arrayContaining(['rabbitmq_management', 'rabbitmq_prometheus']))
  })

  test('keeps a confirmed message in a quorum queue through SIGKILL while it is paused, on the same ports', async () => {
    await publish(broker.url, 'kept_queue', 'kept')
    // RabbitMQ writes a new quorum queue's name down within half a second; before that SIGKILL orphans its log.
    await expect.poll(() => quorumNames(run), { timeout: 10_000 }).toContain('kept_queue')

    await broker.control!.pause()
    await broker.control!.kill()
    expect(await isPortFree(amqpPort(broker))).toBe(true)
    await broker.control!.start()

    expect(await get(broker.url, 'kept_queue')).toBe('kept')
  })

  test('names a disk that is nearly full as the reason why it takes no messages', async () => {
    expect(await troubleOf(broker, run)).toBeUndefined()

    onTestFinished(() => broker.ctl!('set_disk_free_limit', '50MB'))
    await broker.ctl!('set_disk_free_limit', '1000000GB')

    await expect
      .poll(() => troubleOf(broker, run), { timeout: 30_000 })
      .toMatch(/^RabbitMQ takes no messages: its disk is nearly full \(\d+ MB free, limit \d+ MB\)/)
  })

  test('confirms nothing while it is paused, and goes on with the same connection', async () => {
    const channel = await openChannel(broker.url)
    await confirmed(channel, 'before')

    onTestFinished(() => broker.control!.resume())
    await broker.control!.pause()
    const confirm = confirmed(channel, 'meanwhile')
    await expect(within(confirm, 1_000, 'a confirm')).rejects.toThrow('waited 1 s')
    await broker.control!.resume()

    await within(confirm, 30_000, 'the confirm')
  })

  test('is reached through a proxy, which cuts one connection and takes the next', async () => {
    const proxy = await openTcpProxy({ upstream: { host: '127.0.0.1', port: amqpPort(broker) } })
    onTestFinished(() => proxy.close())
    const url = broker.url.replace(String(amqpPort(broker)), String(proxy.port))
    const channel = await openChannel(url)
    await confirmed(channel, 'through the proxy')
    const closed = once(channel, 'close')

    proxy.cut()
    await within(closed, 10_000, 'the channel to close')

    await publishAndGet(url, 'through it again')
  })

  test('gives each part a virtual host of its own and deletes it', async () => {
    const [one, two] = await Promise.all([freshVhost(broker), freshVhost(broker)])
    onTestFinished(() => two.close())
    await publish(one.url, 'same_queue', 'of one')
    await publish(two.url, 'same_queue', 'of two')

    expect(await get(one.url, 'same_queue')).toBe('of one')
    await one.close()

    const vhosts = await rabbitApi<{ name: string }[]>(broker, 'GET', '/vhosts')
    expect(vhosts.map(({ name }) => name)).not.toContain(
      decodeURIComponent(new URL(one.url).pathname.slice(1)),
    )
    expect(await get(two.url, 'same_queue')).toBe('of two')
  })

  test('deletes a virtual host of a node that was stopped while paused and has just started, without harm to the queues of others', async () => {
    const vhost = await freshVhost(broker)
    await declareDeadLettering(vhost.url, 10)
    await expect.poll(() => quorumNames(run), { timeout: 10_000 }).toContain('dead_lettering_queue_9')

    await broker.control!.pause()
    await broker.control!.stop()
    await broker.control!.start()
    await vhost.close()

    await declareDeadLettering(broker.url, 1)
    await consume(broker.url, 'dead_lettering_queue_0')
  })

  test('says who lacks which right when a virtual host is refused', async () => {
    await rabbitApi(broker, 'PUT', '/users/plain', { password: 'plain', tags: 'management' })

    const refused = freshVhost({ ...broker, username: 'plain', password: 'plain' })

    await expect(refused).rejects.toThrow('user "plain" may not manage virtual hosts')
  })

  test('uses an external broker as it is and leaves it running', async () => {
    const env = { RABBITMQ_URL: broker.url, RABBITMQ_MANAGEMENT_URL: broker.managementUrl }
    const external = await startRabbit({ run, env, progress: () => {} })

    await external.close()

    expect(external).toMatchObject({ origin: 'external', version: broker.version })
    await publishAndGet(broker.url, 'still there')
  })

  test('leaves no process, port or folder after close', async () => {
    const port = amqpPort(broker)
    expect(processesOf(run).length).toBeGreaterThan(1)

    await Promise.all([broker.close(), broker.close()])

    expect(processesOf(run)).toEqual([])
    expect(await isPortFree(port)).toBe(true)
    expect(readdirSync(run.path).filter((name) => name.startsWith('rabbitmq'))).toEqual([])
  })
})

describe.skipIf(obstacle)('private RabbitMQ on abort', () => {
  test.each(['rabbitmq-epmd', 'rabbitmq'])(
    'leaves nothing of a start aborted while %s runs',
    async (name) => {
      const run = await openTestRun()
      const stop = new AbortController()
      const starting = startRabbit(localContext(run, stop.signal))
      await abortOnceStarted(run, name, stop)

      await expect(starting).rejects.toThrow('Ctrl-C')

      expect(processesOf(run)).toEqual([])
      expect(readdirSync(run.path).filter((name) => name.startsWith('rabbitmq'))).toEqual([])
      await run.close()
      expect(existsSync(run.path)).toBe(false)
    },
  )
})

function amqpPort(broker: RabbitBroker): number {
  return Number(new URL(broker.url).port)
}

function quorumNames(run: RunDir): string {
  const files = globSync(`${run.path}/rabbitmq-*/mnesia/*/quorum/*/names.dets`)
  return files.map((file) => readFileSync(file, 'latin1')).join()
}

/** A confirm channel that reports its end by 'close' alone; the connection ends with the test. */
async function openChannel(url: string): Promise<ConfirmChannel> {
  const connection = await connect(url)
  connection.on('error', () => {
    // 'close' follows.
  })
  onTestFinished(() => connection.close().catch(() => {})) // it may be gone already
  const channel = await connection.createConfirmChannel()
  channel.on('error', () => {
    // As above.
  })
  connection.on('close', () => channel.emit('close'))
  await channel.assertQueue('confirm_queue', { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await channel.purgeQueue('confirm_queue')
  return channel
}

async function confirmed(channel: ConfirmChannel, text: string): Promise<void> {
  channel.sendToQueue('confirm_queue', Buffer.from(text), { persistent: true })
  await channel.waitForConfirms()
}

async function publishAndGet(url: string, text: string): Promise<void> {
  await publish(url, 'probe_queue', text)
  expect(await get(url, 'probe_queue')).toBe(text)
}

async function publish(url: string, queue: string, text: string): Promise<void> {
  const connection = await connect(url)
  const channel = await connection.createConfirmChannel()
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  channel.sendToQueue(queue, Buffer.from(text), { persistent: true })
  await channel.waitForConfirms()
  await connection.close()
}

/** Quorum queues that dead-letter at least once, as part B's do. */
async function declareDeadLettering(url: string, count: number): Promise<void> {
  const connection = await connect(url)
  connection.on('error', () => {
    // The call that waits fails too.
  })
  const channel = await connection.createChannel()
  const settings = {
    'x-queue-type': 'quorum',
    'x-dead-letter-exchange': '',
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  }
  for (let n = 0; n < count; n++)
    await channel.assertQueue(`dead_lettering_queue_${n}`, { durable: true, arguments: settings })
  await connection.close()
}

async function consume(url: string, queue: string): Promise<void> {
  const connection = await connect(url)
  connection.on('error', () => {
    // As above.
  })
  onTestFinished(() => connection.close().catch(() => {})) // it may be gone already
  const channel = await connection.createChannel()
  await channel.consume(queue, () => {})
}

async function get(url: string, queue: string): Promise<string | undefined> {
  const connection = await connect(url)
  const channel = await connection.createChannel()
  const message = await channel.get(queue, { noAck: true })
  await connection.close()
  return message ? message.content.toString() : undefined
}
