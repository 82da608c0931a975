import { EventEmitter } from 'node:events'
import type { IClientOptions, MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { connectKitchen, type Wiring } from './mqtt.ts'
import { createStore, type View } from './store.ts'

/** The library's client as far as the page uses it; each attempt makes one. */
class Client extends EventEmitter {
  readonly options: IClientOptions
  readonly subscribed: unknown[] = []
  readonly published: { topic: string; order: unknown; options: unknown; done: (err?: unknown) => void }[] =
    []
  isEnded = false
  subscription = Promise.resolve<unknown[]>([])

  constructor(options: IClientOptions) {
    super()
    this.options = options
  }
  subscribeAsync(...args: unknown[]) {
    this.subscribed.push(args)
    return this.subscription
  }
  publish(topic: string, body: string, options: unknown, done: (err?: unknown) => void) {
    this.published.push({ topic, order: JSON.parse(body), options, done })
  }
  end() {
    this.isEnded = true
    this.emit('close')
  }
}

const OWN_URL = 'ws://localhost:8083/mqtt'
let wiring: Wiring | undefined

beforeEach(() => void vi.useFakeTimers({ now: 1_700_000_000_000 }))
afterEach(() => {
  wiring?.close()
  vi.useRealTimers()
})

function open({ url = OWN_URL, random = (): number => 1 } = {}) {
  const storage = { getItem: () => null, setItem: () => {} }
  let ids = 0
  const store = createStore({ now: () => Date.now(), newId: () => `own-${++ids}`, storage })
  const clients: Client[] = []
  let view!: View
  store.subscribe((next) => {
    view = next
  })
  const connect = (options: IClientOptions) => {
    const client = new Client(options)
    clients.push(client)
    return client as unknown as MqttClient
  }
  wiring = connectKitchen({ url, store, connect, clientId: 'page-1', random })
  const last = () => clients.at(-1)!
  const accept = async () => {
    last().emit('connect')
    await vi.advanceTimersByTimeAsync(0)
  }
  return { store, clients, last, accept, wiring, view: () => view, status: () => view.connection }
}

const failWith = (code: number) => Object.assign(new Error(`reason ${code}`), { code })

describe('the connection', () => {
  test('is one of MQTT 5, without session, with an id of its own, that notices a frozen broker', () => {
    const { last } = open()
    expect(last().options).toMatchObject({
      ...{ protocol: 'ws', hostname: 'localhost', port: 8083, path: '/mqtt' },
      ...{ protocolVersion: 5, clean: true, clientId: 'page-1', keepalive: 5, reconnectPeriod: 0 },
    })
    expect(last().options.username).toBeUndefined()
  })

  test('takes user and password out of the address', () => {
    const { last } = open({ url: 'wss://page:p%40ss@broker.example/mqtt?x=1' })
    expect(last().options).toMatchObject({
      ...{ protocol: 'wss', hostname: 'broker.example', path: '/mqtt?x=1' },
      ...{ username: 'page', password: 'p@ss' },
    })
    expect(last().options.port).toBeUndefined()
  })

  test('is one when the broker has granted all topics, at QoS 1', async () => {
    const { last, accept, status } = open()
    expect(status()).toEqual({ status: 'connecting' })
    await accept()
    expect(status()).toEqual({ status: 'connected' })
    const topics = ['restaurant/state/+', 'restaurant/kitchens/+', 'restaurant/foods/+']
    expect(last().subscribed).toEqual([[topics, { qos: 1 }]])
  })

  test('that may not read is none', async () => {
    const { last, status } = open()
    last().subscription = Promise.reject(new Error('Subscribe error: Not authorized'))
    last().emit('connect')
    await vi.advanceTimersByTimeAsync(0)
    expect(status()).toMatchObject({ status: 'offline', reason: expect.stringContaining('Not authorized') })
  })

  test.each([134, 135])('that the broker refuses (%d) says so', (code) => {
    const { last, status } = open()
    last().emit('error', failWith(code))
    last().emit('close')
    expect(status()).toEqual({ status: 'offline', reason: 'the broker refuses the user name or password' })
  })

  test.each([
    ['ws://nobody', 'no answer'],
    ['wss://nobody', 'no answer, or a certificate that this browser does not trust'],
    ['not an address', expect.stringContaining('Invalid URL')],
  ])('to %s says what can be known', (url, reason) => {
    const { clients, status } = open({ url })
    clients[0]?.emit('close')
    expect(status()).toEqual({ status: 'offline', reason })
  })

  test('is tried again after longer and longer times, each a client of its own', () => {
    const { clients, last } = open()
    for (const wait of [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) {
      const before = clients.length
      last().emit('close')
      expect(last().isEnded).toBe(true)
      vi.advanceTimersByTime(wait - 1)
      expect(clients).toHaveLength(before)
      vi.advanceTimersByTime(1)
      expect(clients).toHaveLength(before + 1)
      expect(last().options.clientId).toBe('page-1')
    }
  })

  test('is tried again at another moment in every window', () => {
    const { clients, last } = open({ random: () => 0 })
    last().emit('close')
    vi.advanceTimersByTime(250)
    expect(clients).toHaveLength(2)
  })

  test('waits short again only when it has lasted', async () => {
    const { clients, last, accept } = open()
    last().emit('close')
    vi.advanceTimersByTime(500)
    await accept()
    last().emit('close') // at once: as good as refused
    vi.advanceTimersByTime(999)
    expect(clients).toHaveLength(2)
    vi.advanceTimersByTime(1)
    await accept()
    await vi.advanceTimersByTimeAsync(5_000)
    last().emit('close')
    vi.advanceTimersByTime(500)
    expect(clients).toHaveLength(4)
  })

  test('is tried at once when asked, and only then', async () => {
    const { clients, last, accept, wiring, status } = open()
    wiring.tryNow() // under way already
    expect(clients).toHaveLength(1)
    last().emit('close')
    wiring.tryNow()
    expect(clients).toHaveLength(2)
    expect(status()).toEqual({ status: 'connecting' })
    vi.advanceTimersByTime(10_000)
    expect(clients).toHaveLength(2)
    await accept()
    wiring.tryNow()
    expect(clients).toHaveLength(2)
  })

  test('that is closed stays closed', () => {
    const { clients, last, wiring } = open()
    wiring.close()
    expect(last().isEnded).toBe(true)
    vi.advanceTimersByTime(60_000)
    expect(clients).toHaveLength(1)
  })
})

describe('an order', () => {
  test('is published on its table’s topic, at QoS 1, not retained', async () => {
    const { store, last, accept, wiring } = open()
    await accept()
    store.order(2, 'Pizza')
    wiring.flush()
    expect(last().published).toMatchObject([
      {
        topic: 'restaurant/orders/2',
        order: { orderId: 'own-1', table: 2, food: 'Pizza', ts: Date.now() },
        options: { qos: 1 },
      },
    ])
  })

  test('that was typed while offline is published once when the connection is back', async () => {
    const { store, clients, last, accept, wiring } = open()
    last().emit('close')
    store.order(2, 'Pizza')
    wiring.flush()
    vi.advanceTimersByTime(500)
    wiring.flush() // not subscribed yet
    expect(last().published).toEqual([])
    await accept()
    const presence = JSON.stringify({ kitchen: 'k', status: 'online', ts: 1 })
    last().emit('message', 'restaurant/kitchens/k', Buffer.from(presence), { retain: false })
    const state = { epoch: 1, seq: 1, table: 2, finished: 0, errors: [] }
    const orders = [{ orderId: 'own-1', food: 'Pizza', status: 'cooking', ts: 1 }]
    last().emit('message', 'restaurant/state/2', Buffer.from(JSON.stringify({ ...state, orders })), {
      retain: true,
    })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(clients.flatMap(({ published }) => published)).toHaveLength(1)
  })

  test('is published again by the store’s count alone', async () => {
    const { store, last, accept, wiring } = open()
    await accept()
    store.order(2, 'Pizza')
    wiring.flush()
    last().published[0]!.done(new Error('connection closed'))
    await vi.advanceTimersByTimeAsync(4_000)
    expect(last().published).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(last().published).toHaveLength(2)
    expect(last().published[1]!.order).toEqual(last().published[0]!.order)
  })

  test('that this page may not publish is an error', async () => {
    const { store, last, accept, wiring, view } = open()
    await accept()
    store.order(2, 'Pizza')
    wiring.flush()
    last().published[0]!.done(failWith(135))
    expect(view().errors).toMatchObject([{ table: 2, error: 'the broker takes no orders from this page' }])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(last().published).toHaveLength(1)
  })
})

test('a message brings the time that is left of it to the store', async () => {
  const { last, accept, view } = open()
  await accept()
  const body = Buffer.from(JSON.stringify({ kitchen: 'k', status: 'online', ts: 1 }))
  last().emit('message', 'restaurant/kitchens/k', body, {
    retain: true,
    properties: { messageExpiryInterval: 7 },
  })
  expect(view().kitchens).toBe(1)
  await vi.advanceTimersByTimeAsync(7_000)
  expect(view().kitchens).toBe(0)
})

test('a message of a former connection is not heard', async () => {
  const { clients, last, accept, view } = open()
  await accept()
  last().emit('close')
  vi.advanceTimersByTime(500)
  await accept()
  const body = Buffer.from(JSON.stringify({ kitchen: 'k', status: 'online', ts: 1 }))
  clients[0]!.emit('message', 'restaurant/kitchens/k', body, { retain: false })
  expect(view().kitchens).toBeUndefined()
})
