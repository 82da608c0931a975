import { randomUUID } from 'node:crypto'
import { until } from '@lab/kit/wait.ts'
import { localObstacle } from '@lab/stack/fixtures/lab.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MENU } from '../mqtt/menu.ts'
import type { CustomerOrder } from '../mqtt/schemas.ts'
import { CUSTOMER_ORDERS } from '../mqtt/topics.ts'
import { run as generate } from '../tools/generator.ts'
import { run as publishSample } from '../tools/publisher.ts'
import { RestaurantOrders } from '../tools/restaurant-orders.ts'
import { run as subscribe } from '../tools/subscriber.ts'
import { Guest, openRestaurant, type Restaurant } from './restaurant.ts'

const obstacle = await localObstacle('mosquitto')

function terminal(env: NodeJS.ProcessEnv = {}) {
  const printed: string[] = []
  const said: string[] = []
  const interrupt = new AbortController()
  const io = {
    env,
    signal: interrupt.signal,
    print: (line: string) => void printed.push(line),
    say: (line: string) => void said.push(line),
  }
  return { io, printed, said, interrupt }
}

describe.skipIf(obstacle)('the order desk and the tools on a real broker', () => {
  let restaurant: Restaurant

  beforeAll(async () => {
    restaurant = await openRestaurant()
  })
  afterAll(() => restaurant?.close())

  const get = async <Answer>(path: string): Promise<Answer> =>
    (await fetch(`${restaurant.desk.url}${path}`)).json() as Promise<Answer>
  const stored = () => get<CustomerOrder[]>('/orders')
  const stores = (count: number) =>
    until(async () => (await stored()).length >= count, { what: `${count} orders`, timeoutMs: 15_000 })
  const broker = () => ['--broker', restaurant.broker.url]

  test('stores what the generator publishes, as the subscriber shows it', async () => {
    const listening = terminal()
    const listens = subscribe(broker(), listening.io)
    await until(async () => listening.printed.length > 0, { what: 'the subscription', timeoutMs: 5_000 })

    const generating = terminal()
    expect(await generate(['3', '0.1', '--seed', '7', ...broker()], generating.io)).toBe(0)
    await stores(3)
    const orders = await stored()
    await until(async () => listening.printed.some((line) => line.includes(orders[2]!.order_id)), {
      what: 'the subscriber to show the last order',
      timeoutMs: 5_000,
    })
    listening.interrupt.abort(new Error('Ctrl-C'))
    expect(await listens).toBe(0)

    expect(generating.printed.slice(0, 4)).toEqual([
      '🍽️  Random Restaurant Order Generator',
      '='.repeat(50),
      '📊 Generating 3 random orders with 0.1s intervals (seed 7)',
      "📡 Publishing to 'restaurant/orders' topic",
    ])
    expect(generating.printed).toContain(`   Customer: ${orders[0]?.customer_name}`)
    expect(generating.printed.filter((line) => line === '✅ Order published successfully!')).toHaveLength(3)
    for (const order of orders) {
      const cents = order.items.reduce((sum, item) => sum + item.quantity * Math.round(item.price * 100), 0)
      expect(Math.round(order.total_amount * 100)).toBe(cents)
      expect(order.items.every(({ name }) => MENU.some((item) => item.name === name))).toBe(true)
    }
    const again = terminal()
    await generate(['3', '0', '--seed', '7', ...broker()], again.io)
    const customers = (lines: string[]) => lines.filter((line) => line.startsWith('   Customer'))
    expect(customers(again.printed)).toEqual(customers(generating.printed))
    await stores(6)
  })

  test('answers one order, all of them, and what they came to', async () => {
    const before = await get<{ orders: number; revenue: number }>('/stats')
    const restaurantOrders = new RestaurantOrders({ broker: restaurant.broker.wsUrl! })
    const items = [
      { name: 'Cola', quantity: 3, price: 0.1 },
      { name: 'Soup of the day', quantity: 1, price: 0.2 },
    ]
    const order = await restaurantOrders.publishOrder({ customer_name: ' John Doe ', items })
    await restaurantOrders.close()
    await stores(before.orders + 1)

    const { received_at, ...shown } = await get<CustomerOrder & { received_at: number }>(
      `/orders/${order.order_id}`,
    )
    expect(shown).toEqual(order)
    expect(order).toMatchObject({ customer_name: 'John Doe', total_amount: 0.5 })
    expect(received_at).toBeGreaterThan(1_700_000_000_000)
    const stats = await get<{ revenue: number; categories: Record<string, object> }>('/stats')
    expect(Math.round((stats.revenue - before.revenue) * 100)).toBe(50)
    expect(stats.categories.Other).toEqual({ quantity: 1, revenue: 0.2 })
    expect((await fetch(`${restaurant.desk.url}/orders/${randomUUID()}`)).status).toBe(404)
    expect((await fetch(`${restaurant.desk.url}/orders/7`)).status).toBe(400)
  })

  test('stores an order once, and keeps what is none with the reason', async () => {
    await using guest = await Guest.sitDown(restaurant.broker.url)
    const earlier = (await stored()).length
    expect(await publishSample(broker(), terminal().io)).toBe(0)
    await stores(earlier + 1)
    const before = (await stored()).length
    const { received_at: _, ...order } = (await stored()).at(-1) as CustomerOrder & { received_at: number }
    const send = (body: object | string) =>
      guest.connection.publish(CUSTOMER_ORDERS, typeof body === 'string' ? body : JSON.stringify(body))

    await send(order)
    await send({ ...order, customer_name: 'Somebody else' })
    await send({ ...order, order_id: 'ORD-001' })
    await send({ ...order, order_id: randomUUID(), total_amount: order.total_amount + 0.01 })
    await send({ ...order, order_id: randomUUID(), items: [{ ...order.items[0]!, price: 1.005 }] })
    await send('{"order_id":')
    await send('x'.repeat(17_000))

    const rejected = () => get<{ reason: string; body: string }[]>('/rejected')
    await until(async () => (await rejected()).length >= 6, { what: 'six refusals', timeoutMs: 5_000 })
    expect((await rejected()).map(({ reason }) => reason)).toEqual([
      'larger than 16384 bytes',
      'not JSON',
      expect.stringContaining('items.0.price: must be whole cents'),
      'total_amount: is not the sum of the items',
      'order_id: Invalid UUID',
      'order_id: stands for another order',
    ])
    expect((await rejected())[1]?.body).toBe('{"order_id":')
    expect(await stored()).toHaveLength(before)
  })

  test('stores what was published while it was away or being killed', async () => {
    const before = (await stored()).length
    const count = 200
    const publishing = generate([String(count), '--rate', '400', ...broker()], terminal().io)
    await stores(before + 20)
    await restaurant.desk.kill()
    expect(await publishing).toBe(0)
    await restaurant.desk.start()
    await stores(before + count)
    expect(await stored()).toHaveLength(before + count)
  })

  test('lets a desk of another store have every order, too', async () => {
    const other = await restaurant.part.twin!('order-desk-service')
    await other.start({ env: { DATA_DIR: '' } })
    const before = (await stored()).length
    expect(await generate(['20', '0', ...broker()], terminal().io)).toBe(0)
    await stores(before + 20)
    const ofOther = async () => (await (await fetch(`${other.url}/orders`)).json()) as CustomerOrder[]
    await until(async () => (await ofOther()).length === 20, { what: 'the same orders', timeoutMs: 15_000 })
    expect(await stored()).toHaveLength(before + 20)
    await other.stop()
  })

  test('refuses to work on the store of another desk', async () => {
    const other = await restaurant.part.twin!('order-desk-service')
    await expect(other.start()).rejects.toThrow('another process works on')
    expect((await fetch(`${restaurant.desk.url}/ready`)).ok).toBe(true)
  })

  test('the tools say which broker they cannot reach', async () => {
    const { io, said, printed } = terminal({ MQTT_URL: 'mqtt://127.0.0.1:9' })
    expect(await generate(['1'], io)).toBe(1)
    expect(said).toEqual([
      '❌ the broker mqtt://127.0.0.1:9 cannot be reached: connect ECONNREFUSED 127.0.0.1:9',
    ])
    expect(printed.at(-1)).toBe('🎯 0 of 1 orders published')
  })

  test('the generator ends on Ctrl-C and says how far it came', async () => {
    const { io, printed, interrupt } = terminal()
    const ends = generate(['5', '30', ...broker()], io)
    await until(async () => printed.includes('⏱️  Waiting 30 seconds...'), {
      what: 'one order',
      timeoutMs: 5_000,
    })
    interrupt.abort(new Error('Ctrl-C'))
    await expect(ends).rejects.toThrow('Ctrl-C')
    expect(printed.at(-1)).toBe('🎯 1 of 5 orders published')
  })

  test.each([
    [['0'], 'COUNT'],
    [['1', '-2'], 'Unknown option'],
    [['5', '3', '1'], 'too many'],
    [['--rate', 'fast'], '--rate'],
    [['--broker', 'http://x'], 'a URL that begins with'],
  ])('the generator refuses %j', async (args, why) => {
    const { io, said } = terminal()
    expect(await generate(args, io)).toBe(2)
    expect(said.join('\n')).toContain(why)
  })
})
