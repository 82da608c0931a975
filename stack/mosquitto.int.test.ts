import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { within } from '@lab/kit/wait.ts'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  abortOnceStarted,
  localContext,
  localObstacle,
  newBase,
  openTestRun,
  processesOf,
} from './fixtures/lab.ts'
import { accepts, isPortFree } from './ports.ts'
import { openRunDir, type RunDir } from './run-dir.ts'
import { kindOf, type Servers, startServer } from './servers/index.ts'

const obstacle = await localObstacle('mosquitto')

describe.skipIf(obstacle)(`private Mosquitto ${obstacle ?? ''}`, () => {
  let run: RunDir
  let broker: Servers['mosquitto']
  beforeAll(async () => {
    run = await openRunDir()
    broker = await startServer('mosquitto', localContext(run))
  })
  afterAll(() => run.close())

  test('takes a message by TCP and gives it by WebSocket', async () => {
    const page = await open(broker.wsUrl!)
    await page.mqtt.subscribeAsync('restaurant/foods/1', { qos: 1 })

    await publish(broker.url, 'restaurant/foods/1', 'ready')

    await expect.poll(() => page.received).toEqual(['ready'])
  })

  test('keeps a persistent session and what it queued through SIGTERM, on the same ports', async () => {
    const kitchen = await openKitchen(broker.url)
    await kitchen.mqtt.endAsync()
    await publish(broker.url, 'restaurant/orders/1', 'pizza')

    await broker.control!.stop()
    expect(await isPortFree(portOf(broker.url))).toBe(true)
    await broker.control!.start()

    const { received } = await openKitchen(broker.url)
    await expect.poll(() => received).toEqual(['pizza'])
  })

  test('acknowledges nothing while it is paused, and goes on with the same connection', async () => {
    const { mqtt } = await open(broker.url)

    onTestFinished(() => broker.control!.resume())
    await broker.control!.pause()
    const ack = mqtt.publishAsync('restaurant/orders/2', 'soup', { qos: 1 })
    await expect(within(ack, 300, 'an acknowledgement')).rejects.toThrow('waited 0.3 s')
    await broker.control!.resume()

    await within(ack, 10_000, 'the acknowledgement')
  })

  test('comes back from SIGKILL, also while it is paused', async () => {
    await broker.control!.pause()
    await broker.control!.kill()
    await broker.control!.start()

    await publish(broker.url, 'restaurant/orders/3', 'salad')
  })

  test('gives a part a broker without sessions and retained messages', async () => {
    await (await openKitchen(broker.url)).mqtt.endAsync()
    const { mqtt } = await open(broker.url)
    await mqtt.publishAsync('restaurant/state/1', 'cooking', { qos: 1, retain: true })
    await mqtt.publishAsync('restaurant/orders/1', 'for the former part', { qos: 1 })
    await mqtt.endAsync()

    const place = await kindOf(broker).place(broker, { part: 'test' })

    expect(place.url).toBe(broker.url)
    const kitchen = await openKitchen(place.url)
    await kitchen.mqtt.subscribeAsync('restaurant/state/+')
    await publish(place.url, 'restaurant/orders/1', 'for the next one')
    await expect.poll(() => kitchen.received).toEqual(['for the next one'])
    await place.close()
    expect(await isPortFree(portOf(broker.url))).toBe(false)
  })

  test('listens on the loopback interface alone', async () => {
    const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
    const outside = addresses.filter(({ internal, scopeid }) => !internal && !scopeid)

    for (const { address } of outside) {
      expect(await accepts(portOf(broker.url), address)).toBe(false)
      expect(await accepts(portOf(broker.wsUrl!), address)).toBe(false)
    }
  })

  test('uses an external broker as it is and leaves it running', async () => {
    const env = { MQTT_URL: broker.url, VITE_MQTT_URL: broker.wsUrl! }
    const external = await startServer('mosquitto', { run, env, progress: () => {} })

    await (await kindOf(external).place(external, { part: 'test' })).close()
    await external.close()

    expect(external).toMatchObject({ origin: 'external', version: broker.version, wsUrl: broker.wsUrl })
    await publish(broker.url, 'restaurant/orders/4', 'still there')
  })

  test('stands beside another one, and leaves no process, port or folder after close', async () => {
    const other = await startServer('mosquitto', localContext(run))
    await publish(other.url, 'restaurant/orders/1', 'elsewhere')

    await Promise.all([broker.close(), broker.close(), other.close()])

    expect(processesOf(run)).toEqual([])
    expect(await isPortFree(portOf(broker.url))).toBe(true)
    expect(readdirSync(run.path).filter((name) => name.startsWith('mosquitto'))).toEqual([])
  })
})

describe.skipIf(obstacle)('private Mosquitto with a configuration of the part', () => {
  test('asks for passwords, keeps to the ACL, and speaks TLS', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lab-mosquitto-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeProduction(folder)
    const run = await openTestRun()
    const broker = await startServer('mosquitto', localContext(run), {
      config: join(folder, 'mosquitto.prod.conf'),
      users: { kitchen: 'k1tchen', page: 'p@ge/1' },
      login: { username: 'page', password: 'p@ge/1' },
    })
    expect([broker.url, broker.wsUrl].map((url) => new URL(url!).protocol)).toEqual(['mqtts:', 'wss:'])

    const own = { rejectUnauthorized: false }
    const page = await open(broker.wsUrl!, own)
    await page.mqtt.publishAsync('restaurant/orders/1', 'pizza', { qos: 1 })
    await expect(page.mqtt.publishAsync('restaurant/foods/1', 'mine', { qos: 1 })).rejects.toThrow(
      'Not authorized',
    )
    const wrong = broker.url.replace('p%40ge', 'guess')
    await expect(open(wrong, own)).rejects.toThrow('Not authorized')
    await expect(open(broker.url)).rejects.toThrow('self-signed certificate')
  })

  test('is refused when it has WebSocket listeners alone', async () => {
    const config = join(newBase(), 'mosquitto.conf')
    writeFileSync(config, 'listener 8083\nprotocol websockets\n')

    const starting = startServer('mosquitto', localContext(await openTestRun()), { config })

    await expect(starting).rejects.toThrow('no listener without websockets')
  })

  test('is named when Mosquitto refuses it, and nothing is left', async () => {
    const config = join(newBase(), 'mosquitto.conf')
    writeFileSync(config, 'listener 1883\nno_such_directive true\n')
    const run = await openTestRun()

    const starting = startServer('mosquitto', localContext(run), { config })

    await expect(starting).rejects.toThrow('no_such_directive')
    expect(readdirSync(run.path).filter((name) => name.startsWith('mosquitto'))).toEqual([])
  })
})

test.skipIf(obstacle)('private Mosquitto on abort leaves nothing', async () => {
  const run = await openTestRun()
  const stop = new AbortController()
  const starting = startServer('mosquitto', localContext(run, stop.signal))
  await abortOnceStarted(run, 'mosquitto', stop)

  await starting.catch(() => {}) // it may have been faster than the abort
  await run.close()

  expect(processesOf(run)).toEqual([])
  expect(existsSync(run.path)).toBe(false)
})

function writeProduction(folder: string): void {
  const config = [
    '# paths as in the image',
    'set_tcp_nodelay true',
    'allow_anonymous false',
    'password_file /mosquitto/config/passwd',
    'acl_file /mosquitto/config/acl',
    ...['listener 8883', 'listener 8084\nprotocol websockets'].flatMap((listener) => [
      listener,
      'certfile /mosquitto/certs/server.crt',
      'keyfile /mosquitto/certs/server.key',
    ]),
  ]
  writeFileSync(join(folder, 'mosquitto.prod.conf'), config.join('\n'))
  const acl = ['user kitchen', 'topic readwrite restaurant/#', 'user page', 'topic write restaurant/orders/+']
  writeFileSync(join(folder, 'acl'), `${acl.join('\n')}\n`)
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const files = ['-keyout', 'server.key', '-out', 'server.crt']
  const made = spawnSync('openssl', ['req', '-x509', ...key, ...names, ...files], {
    cwd: folder,
    encoding: 'utf8',
  })
  expect(made.status, made.stderr).toBe(0)
}

interface Client {
  mqtt: MqttClient
  /** Every payload since it connected. */
  received: string[]
}

/** Ends with the test; a lost connection is not made again. */
async function open(url: string, options: IClientOptions = {}): Promise<Client> {
  const mqtt = connect(url, { protocolVersion: 5, reconnectPeriod: 0, ...options })
  onTestFinished(() => mqtt.endAsync(true))
  const received: string[] = []
  mqtt.on('message', (_, payload) => received.push(String(payload)))
  await new Promise((resolve, reject) => {
    mqtt.once('connect', resolve).once('error', reject)
  })
  mqtt.on('error', () => {
    // The call that waits fails too.
  })
  return { mqtt, received }
}

/** A persistent session that gets the orders. */
async function openKitchen(url: string): Promise<Client> {
  const session = { clean: false, clientId: 'kitchen', properties: { sessionExpiryInterval: 300 } }
  const kitchen = await open(url, session)
  await kitchen.mqtt.subscribeAsync('restaurant/orders/+', { qos: 1 })
  return kitchen
}

async function publish(url: string, topic: string, payload: string): Promise<void> {
  const { mqtt } = await open(url)
  await mqtt.publishAsync(topic, payload, { qos: 1 })
  await mqtt.endAsync()
}

const portOf = (url: string): number => Number(new URL(url).port)
