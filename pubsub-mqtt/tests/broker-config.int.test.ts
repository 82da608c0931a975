import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { createLog } from '@lab/kit/log.ts'
import { localContext, localObstacle } from '@lab/stack/fixtures/lab.ts'
import { startPart } from '@lab/stack/part.ts'
import { openRunDir, type RunDir } from '@lab/stack/run-dir.ts'
import { type Servers, startServer } from '@lab/stack/servers/index.ts'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { connectMqtt, type MqttOptions } from '../mqtt/connect.ts'
import { oneByOne } from '../mqtt/subscribe.ts'
import { part } from '../part.ts'
import { eventually, Guest } from './restaurant.ts'

const obstacle = await localObstacle('mosquitto')
const conf = (name: string) => resolve(import.meta.dirname, '../broker', name)
const USERS = { kitchen: 'k1tchen', 'order-desk': 'd3sk', page: 'p@ge', tools: 't00ls' }

function open(options: Pick<MqttOptions, 'url'> & Partial<MqttOptions>) {
  const log = createLog('test', 'silent')
  const connection = connectMqtt({ clientId: `test-${randomUUID()}`, log, ...options })
  onTestFinished(connection.close)
  return connection
}

const withLogin = (url: string, user: keyof typeof USERS, password = USERS[user]) =>
  Object.assign(new URL(url), { username: user, password }).href

describe.skipIf(obstacle)('the broker for development', () => {
  test('serves anybody, also pages on WebSockets', async () => {
    const run = await openRunDir()
    onTestFinished(run.close)
    const broker = await startServer('mosquitto', localContext(run), { config: conf('mosquitto.conf') })
    const { services, close } = await startPart(part, { run, servers: { mosquitto: broker } })
    onTestFinished(close)
    await using guest = await Guest.sitDown(broker.wsUrl!)
    await guest.allReadyOnce([await guest.order(1)])
    expect(Object.keys(services)).toEqual(part.services.map(({ name }) => name))
  })
})

describe.skipIf(obstacle)('the broker for production', () => {
  let run: RunDir
  let broker: Servers['mosquitto']
  let folder: string
  const certificate = () => join(folder, 'server.crt')

  beforeAll(async () => {
    run = await openRunDir()
    folder = mkdtempSync(join(tmpdir(), 'lab-mqtt-'))
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    const files = ['-keyout', join(folder, 'server.key'), '-out', certificate()]
    execFileSync('openssl', ['req', '-x509', ...key, ...names, ...files], { stdio: 'ignore' })
    broker = await startServer('mosquitto', localContext(run), {
      config: conf('mosquitto.prod.conf'),
      files: { certfile: certificate(), keyfile: join(folder, 'server.key') },
      users: USERS,
    })
  })
  afterAll(async () => {
    await run?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('speaks TLS on both listeners, and shows a certificate nobody has to trust', async () => {
    expect([broker.url, broker.wsUrl].map((url) => new URL(url!).protocol)).toEqual(['mqtts:', 'wss:'])
    const untrusting = open({ url: withLogin(broker.wsUrl!, 'page') })
    await eventually('the refusal', () => untrusting.state().includes('self-signed certificate'))
    const plain = open({ url: withLogin(broker.wsUrl!.replace('wss', 'ws'), 'page') })
    await eventually('the refusal', () => !['ok', 'connecting'].includes(plain.state()))
  })

  test('lets everybody do their own, under their names and with the certificate', async () => {
    const env = { NODE_EXTRA_CA_CERTS: certificate() }
    const login = (user: 'kitchen' | 'order-desk') => ({ MQTT_USERNAME: user, MQTT_PASSWORD: USERS[user] })
    const { services, close } = await startPart(part, {
      run,
      servers: { mosquitto: broker },
      env,
      serviceEnv: { 'kitchen-service': login('kitchen'), 'order-desk-service': login('order-desk') },
    })
    onTestFinished(close)
    const kitchen = services['kitchen-service']!.url
    const ready = await (await fetch(`${kitchen}/ready`)).json()
    expect(ready).toEqual({ ready: true, checks: { orders: 'ok', foods: 'ok' } })

    const before = getCACertificates('default')
    setDefaultCACertificates([...before, readFileSync(certificate(), 'utf8')])
    onTestFinished(() => setDefaultCACertificates(before))
    await using page = await Guest.sitDown(withLogin(broker.wsUrl!, 'page'))
    await page.allReadyOnce([await page.order(1)])
    await eventually('the states', () => page.states.size === 5 && page.kitchens.size === 1)

    const mine = page.connection.publish('restaurant/foods/1', '{}')
    await expect(mine).rejects.toThrow('Not authorized')
    await expect(page.connection.publish('restaurant/orders', '{}')).rejects.toThrow('Not authorized')
    const overheard: string[] = []
    const handle = oneByOne(({ topic }) => void overheard.push(topic))
    const listening = open({
      url: withLogin(broker.wsUrl!, 'page'),
      consume: { topics: ['restaurant/#'], handle },
    })
    await eventually('the subscription, or what passes for one', () => listening.state() !== 'connecting')
    await page.allReadyOnce([await page.order(2)])
    expect(overheard.filter((topic) => topic.startsWith('restaurant/orders'))).toEqual([])

    const guessing = open({ url: withLogin(broker.wsUrl!, 'page', 'guess') })
    await eventually('the refusal', () => guessing.state() === 'Connection refused: Not authorized')
  })
})
