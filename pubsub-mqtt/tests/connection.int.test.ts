import { randomUUID } from 'node:crypto'
import { createLog } from '@lab/kit/log.ts'
import { localContext, localObstacle } from '@lab/stack/fixtures/lab.ts'
import { openRunDir, type RunDir } from '@lab/stack/run-dir.ts'
import { type Servers, startServer } from '@lab/stack/servers/index.ts'
import { openTcpProxy } from '@lab/stack/tcp-proxy.ts'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { connectMqtt, type MqttOptions } from '../mqtt/connect.ts'
import { type Message, oneByOne } from '../mqtt/subscribe.ts'
import { backoffMs } from '../mqtt/timing.ts'
import { eventually } from './restaurant.ts'

const obstacle = await localObstacle('mosquitto')

test('waits longer after each failure, up to 5 s, and never as long as another client', () => {
  const drawn = (attempt: number) => Array.from({ length: 200 }, () => backoffMs(attempt))
  expect(Math.max(...drawn(0))).toBeLessThanOrEqual(200)
  expect(Math.min(...drawn(3))).toBeGreaterThanOrEqual(800)
  expect(Math.max(...drawn(60))).toBeLessThanOrEqual(5_000)
  expect(new Set(drawn(60)).size).toBeGreaterThan(100)
})

describe.skipIf(obstacle)('a connection to a real broker', () => {
  let run: RunDir
  let broker: Servers['mosquitto']

  beforeAll(async () => {
    run = await openRunDir()
    broker = await startServer('mosquitto', localContext(run))
  })
  afterAll(() => run?.close())

  function open(options: Partial<MqttOptions> = {}) {
    const log = createLog('test', 'silent')
    const connection = connectMqtt({ url: broker.url, clientId: randomUUID(), log, ...options })
    onTestFinished(connection.close)
    return connection
  }

  /** A consumer with a session, whose messages are recorded when the test says so. */
  function consumer(url: string, clientId: string, topic: string) {
    const held: { body: string; record: () => void }[] = []
    const handle = ([message]: Message[]) =>
      new Promise<number>((resolve) => {
        held.push({ body: message!.body.toString(), record: () => resolve(1) })
      })
    const consume = { topics: [topic], handle }
    const connection = open({ url, clientId, sessionExpirySeconds: 60, consume })
    // Recorded too late for a PUBACK: or closing would wait for it.
    const close = async () => {
      const closed = connection.close()
      for (const { record } of held) record()
      await closed
    }
    return { held, connection, close }
  }

  test('acknowledges on no other connection than the message came by', async () => {
    const proxy = await openTcpProxy({
      upstream: { host: '127.0.0.1', port: Number(new URL(broker.url).port) },
    })
    onTestFinished(proxy.close)
    const [id, topic] = [randomUUID(), `test/${randomUUID()}`]
    const first = consumer(`mqtt://127.0.0.1:${proxy.port}`, id, topic)
    await eventually('the subscription', () => first.connection.state() === 'ok')
    const publisher = open()
    await publisher.publish(topic, 'A')
    await eventually('the message', () => first.held.length === 1)

    proxy.cut()
    await eventually('the loss', () => first.connection.state() !== 'ok')
    // The broker sends the message again before it answers the subscription.
    await eventually('the next connection', () => first.connection.state() === 'ok')
    // Recorded at last, but what came by the first connection may be acknowledged only there.
    first.held[0]!.record()
    await eventually('the same message by the next connection', () => first.held.length === 2)
    await first.close()

    const second = consumer(broker.url, id, topic)
    await eventually('the message that nobody acknowledged', () => second.held.length === 1)
    second.held[0]!.record()
    await publisher.publish(topic, 'B')
    await eventually('the next message', () => second.held.length === 2)
    expect(second.held.map(({ body }) => body)).toEqual(['A', 'B'])
    await second.close()
  })

  test('tries again what could not be recorded, before anything that follows', async () => {
    const topic = `test/${randomUUID()}`
    const recorded: string[] = []
    let failures = 2
    const handle = oneByOne(({ body }) => {
      if (failures-- > 0) throw new Error('disk full')
      recorded.push(body.toString())
    })
    const connection = open({ consume: { topics: [topic], handle } })
    await eventually('the subscription', () => connection.state() === 'ok')
    const publisher = open()
    await publisher.publish(topic, 'A')
    await publisher.publish(topic, 'B')
    await eventually('both', () => recorded.length === 2)
    expect(recorded).toEqual(['A', 'B'])
  })

  test('sends once the broker is back what was published while it was away', async () => {
    const topic = `test/${randomUUID()}`
    const heard: string[] = []
    const listener = open({
      consume: { topics: [topic], handle: oneByOne(({ body }) => void heard.push(body.toString())) },
    })
    const publisher = open()
    await eventually('both', () => listener.state() === 'ok' && publisher.state() === 'ok')
    await broker.control!.kill()
    await eventually('the loss', () => publisher.state() !== 'ok')
    const published = publisher.publish(topic, 'waiting')
    await broker.control!.start()
    await published
    await eventually('the listener', () => listener.state() === 'ok')
    await publisher.publish(topic, 'last')
    await eventually('the last', () => heard.includes('last'))
    // The listener has no session: what the broker got before it was back is not for it.
    expect(heard.filter((text) => text === 'waiting').length).toBeLessThanOrEqual(1)
  })
  test('has its shared subscription again after a broker that says it has the session', async () => {
    const topic = `test/${randomUUID()}`
    const { held, connection, close } = consumer(broker.url, randomUUID(), `$share/kitchens/${topic}`)
    const publisher = open()
    await eventually('the subscription', () => connection.state() === 'ok')
    // Stopped in order it writes every session to its file.
    await broker.control!.stop()
    await eventually('the loss', () => [connection, publisher].every(({ state }) => state() !== 'ok'))
    await broker.control!.start()
    await eventually('both again', () => [connection, publisher].every(({ state }) => state() === 'ok'))
    expect(connection.hadSession()).toBe(true)
    await publisher.publish(topic, 'A')
    await eventually('the message', () => held.length === 1)
    await close()
  })
})
