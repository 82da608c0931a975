import { randomUUID } from 'node:crypto'
import { until } from '@lab/kit/wait.ts'
import { localObstacle } from '@lab/stack/fixtures/lab.ts'
import Paho from 'paho-mqtt'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { FoodEvent, TableState } from '../mqtt/schemas.ts'
import { NO_TABLE, TABLES } from '../mqtt/topics.ts'
import { eventually, Guest, openRestaurant, type Restaurant } from './restaurant.ts'

const obstacle = await localObstacle('mosquitto')

describe.skipIf(obstacle)('the kitchen on a real broker', () => {
  let restaurant: Restaurant
  let guest: Guest

  beforeAll(async () => {
    const kitchenEnv = { PREP_MIN_MS: '20', PREP_MAX_MS: '300', QUEUE_LIMIT: '1000' }
    restaurant = await openRestaurant({ serviceEnv: { 'kitchen-service': kitchenEnv } })
    guest = await Guest.sitDown(restaurant.broker.wsUrl!)
  })
  afterAll(async () => {
    await guest?.connection.close()
    await restaurant?.close()
  })

  const stateOf = async (table: number): Promise<TableState> =>
    TableState.parse(await (await fetch(`${restaurant.kitchen.url}/tables/${table}`)).json())
  const finished = async () => {
    const states = await Promise.all([NO_TABLE, ...TABLES].map(stateOf))
    return states.reduce((sum, state) => sum + state.finished, 0)
  }
  const admin = (path: string, body: object) =>
    fetch(`${restaurant.kitchen.url}/admin/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  /** All these are finished, and nothing else is since. */
  const allFinished = async (orderIds: string[], before: number) => {
    await until(async () => (await finished()) >= before + orderIds.length, {
      what: `${orderIds.length} orders to be finished`,
      timeoutMs: 30_000,
    })
    expect(await finished()).toBe(before + orderIds.length)
  }

  test('answers a client of another make with the fields of the seed', async () => {
    const client = new Paho.Client(restaurant.broker.wsUrl!, `paho-${randomUUID()}`)
    onTestFinished(() => {
      if (client.isConnected()) client.disconnect()
    })
    const heard = new Map<string, unknown[]>(['0', '2'].map((table) => [`restaurant/foods/${table}`, []]))
    client.onMessageArrived = ({ destinationName, payloadString }) =>
      heard.get(destinationName)?.push(JSON.parse(payloadString))
    await new Promise((onSuccess, reject) => {
      client.connect({ onSuccess, onFailure: ({ errorMessage }) => reject(new Error(errorMessage)) })
    })
    for (const topic of heard.keys()) {
      await new Promise((onSuccess, reject) => {
        const onFailure = ({ errorMessage }: Paho.ErrorWithInvocationContext) =>
          reject(new Error(errorMessage))
        client.subscribe(topic, { qos: 1, onSuccess, onFailure })
      })
    }

    client.send('restaurant/orders/9', 'junk', 1)
    await eventually('the refusal', () => heard.get('restaurant/foods/0')!.length > 0)

    const order = { orderId: randomUUID(), table: 2, food: 'Pizza', ts: 1_700_000_000_000 }
    client.send('restaurant/orders/2', JSON.stringify(order), 1)
    const foods = heard.get('restaurant/foods/2')!
    await eventually('the food', () => foods.length > 0)
    const { orderId } = order
    expect(foods).toEqual([{ orderId, table: 2, food: 'Pizza', status: 'ready', prepMs: expect.any(Number) }])
    expect(FoodEvent.safeParse(foods[0]).success).toBe(true)
  })

  test('cooks an order once though its message comes twice', async () => {
    const orderId = await guest.order(1)
    await guest.order(1, 'Pizza', orderId)
    await guest.allReadyOnce([orderId])
    await guest.order(1, 'Pizza', orderId)
    const other = await guest.order(1)
    await guest.allReadyOnce([orderId, other])
  })

  test('answers a burst of a thousand, each once, and the states agree', async () => {
    const before = await finished()
    const sent = await guest.orders(1_000)
    await guest.allReadyOnce(sent)
    expect(await finished()).toBe(before + 1_000)
    for (const table of TABLES) {
      const now = await stateOf(table)
      await eventually(`table ${table} as it is now`, () => guest.states.get(table)?.seq === now.seq)
      expect(guest.states.get(table)).toEqual(now)
    }
  })

  test('shows a late guest the same as one that was always there', async () => {
    await using late = await Guest.sitDown(restaurant.broker.wsUrl!)
    await eventually('all retained states', () => late.states.size === 5)
    expect([...late.states.values()].toSorted((a, b) => a.table - b.table)).toEqual(
      [...guest.states.values()].toSorted((a, b) => a.table - b.table),
    )
    await eventually('the retained presence', () => late.kitchens.get('kitchen')?.status === 'online')
  })

  test('cooks what was ordered while it was away', async () => {
    await restaurant.kitchen.stop()
    await eventually('its goodbye', () => guest.kitchens.get('kitchen')?.status === 'offline')
    const sent = await guest.orders(20)
    await restaurant.kitchen.start()
    await guest.allReadyOnce(sent)
    await eventually('its presence', () => guest.kitchens.get('kitchen')?.status === 'online')
  })

  test('loses nothing and cooks nothing twice when it is killed in the middle', async () => {
    const before = await finished()
    const sending = guest.orders(300)
    await eventually('the first foods', () => guest.foods.length > 0)
    await restaurant.kitchen.kill()
    await eventually('its last will', () => guest.kitchens.get('kitchen')?.status === 'offline')
    const sent = await sending
    await restaurant.kitchen.start()
    await allFinished(sent, before)
    await eventually('every food', () => sent.every((id) => guest.foodsOf(id).length > 0))
  })

  test('acknowledges nothing that it has not recorded', async () => {
    const before = await finished()
    await admin('fail', { enabled: true })
    const sent = await guest.orders(10)
    await until(async () => (await fetch(`${restaurant.kitchen.url}/health`)).ok && sent.length === 10, {
      what: 'health',
      timeoutMs: 5_000,
    })
    await restaurant.kitchen.kill()
    await restaurant.kitchen.start()
    await allFinished(sent, before)
  })

  test('holds a message for longer than the keepalive and stays connected', { timeout: 60_000 }, async () => {
    await admin('delay', { seconds: 9 })
    const orderId = await guest.order(3)
    const other = await guest.order(4)
    await eventually('the first food', () => guest.foodsOf(orderId).length === 1, 15_000)
    expect(guest.kitchens.get('kitchen')?.status).toBe('online')
    await fetch(`${restaurant.kitchen.url}/admin/faults`, { method: 'DELETE' })
    await guest.allReadyOnce([orderId, other])
  })

  test('goes on after a kill of the broker, and so does its guest', { timeout: 60_000 }, async () => {
    const { broker } = restaurant
    const before = await finished()
    const sent = await guest.orders(40)
    await until(async () => (await finished()) > before, { what: 'the first food', timeoutMs: 10_000 })
    await broker.control!.kill()
    await eventually('the loss to be noticed', () => guest.connection.state() !== 'ok')
    // Typed while offline: sent when the connection is back.
    const offline = guest.orders(10)
    await broker.control!.start()
    sent.push(...(await offline))
    // What the broker had and nobody else is gone: a guest orders again, under the same id, until it sees its order.
    await until(
      async () => {
        const shown = new Set(
          [...guest.states.values()].flatMap(({ orders }) => orders.map((o) => o.orderId)),
        )
        const unseen = sent.filter((id) => !shown.has(id))
        for (const id of unseen)
          await guest.order(1 + (sent.indexOf(id) % 4), `Food ${sent.indexOf(id) % 40}`, id)
        return unseen.length === 0
      },
      { what: 'every order to be shown', timeoutMs: 20_000, everyMs: 1_000 },
    )
    await allFinished(sent, before)
    await eventually('its presence', () => guest.kitchens.get('kitchen')?.status === 'online')
  })

  test('refuses to work beside a kitchen of another store', async () => {
    const other = await restaurant.part.twin!('kitchen-service')
    const env = { KITCHEN_ID: 'elsewhere', DATA_DIR: '' }
    await other.start({ env }).catch(() => {
      // It may be gone before it was ready.
    })
    expect(await other.exited).toMatchObject({ code: 1 })
    expect((await fetch(`${restaurant.kitchen.url}/ready`)).ok).toBe(true)
  })

  test('gives way to a younger one of its name', async () => {
    const younger = await restaurant.part.twin!('kitchen-service')
    await younger.start()
    expect(await restaurant.kitchen.exited).toMatchObject({ code: 1 })
    const orderId = await guest.order(1)
    await guest.allReadyOnce([orderId])
    await younger.stop()
    await restaurant.kitchen.start()
  })
})

describe.skipIf(obstacle)('two kitchens on one store', () => {
  let restaurant: Restaurant
  let guest: Guest

  beforeAll(async () => {
    const env = { PREP_MIN_MS: '800', PREP_MAX_MS: '1200' }
    restaurant = await openRestaurant({ serviceEnv: { 'kitchen-service': env } })
    guest = await Guest.sitDown(restaurant.broker.wsUrl!)
  })
  afterAll(async () => {
    await guest?.connection.close()
    await restaurant?.close()
  })

  test('share the work; when one is killed for good the other takes over all of it', {
    timeout: 90_000,
  }, async () => {
    const second = await restaurant.part.twin!('kitchen-service')
    await second.start({ env: { KITCHEN_ID: 'second' } })
    const cookedBy = async (url: string) => {
      const text = await (await fetch(`${url}/metrics`)).text()
      return Number(text.match(/lab_orders_total\{[^}]*status="ready"[^}]*\} (\d+)/)?.[1] ?? 0)
    }

    const together = await guest.orders(200)
    await guest.allReadyOnce(together)
    const [one, two] = [await cookedBy(restaurant.kitchen.url), await cookedBy(second.url)]
    expect(one + two).toBe(200)
    expect(Math.min(one, two)).toBeGreaterThan(20)

    const halfDone = await guest.orders(60)
    const isCooking = async () => {
      const health = (await (await fetch(`${second.url}/health`)).json()) as { cooking: number }
      return health.cooking > 10
    }
    await until(isCooking, { what: 'the second to cook', timeoutMs: 5_000, everyMs: 20 })
    await second.kill()
    await eventually('its last will', () => guest.kitchens.get('second')?.status === 'offline')
    // The broker still gives the dead one its share.
    const afterwards = await guest.orders(40)
    const all = [...halfDone, ...afterwards]
    await eventually('every food', () => all.every((id) => guest.foodsOf(id).length > 0), 30_000)
    await eventually('the states', () => {
      const finished = TABLES.reduce((sum, table) => sum + (guest.states.get(table)?.finished ?? 0), 0)
      return finished === 300
    })
  })
})
