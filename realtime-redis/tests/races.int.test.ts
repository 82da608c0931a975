import { randomUUID } from 'node:crypto'
import { createLog } from '@lab/kit/log.ts'
import { localObstacle } from '@lab/stack/fixtures/lab.ts'
import type { ServiceProcess } from '@lab/stack/service.ts'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Client, connectRedis } from '../redis/connect.ts'
import { createOrders } from '../redis/orders.ts'
import { type OrderEvent, PizzaOrder } from '../redis/schemas.ts'
import { NEXT, STATUSES, type Status } from '../redis/statuses.ts'
import { Api, acl, allOrders, lookInto, offer, openPlatform, type Platform, Window } from './platform.ts'

const obstacle = await localObstacle('redis')
const CLIENTS = 50

/** Counts everything again from the orders themselves, at one moment; the sets it answers for are those of the state. */
const RECOUNT = `local found, counted, total = {}, {}, 0
for _, status in ipairs(ARGV) do
  counted[status] = redis.call('ZCARD', 'orders:status:' .. status)
  found[status] = 0
end
for _, id in ipairs(redis.call('ZRANGE', 'orders:all', 0, -1)) do
  local status = cjson.decode(redis.call('GET', 'order:' .. id)).status
  if not redis.call('ZSCORE', 'orders:status:' .. status, id) then return 'an order is not where it is counted' end
  found[status] = found[status] + 1
end
local wrong = {}
for _, status in ipairs(ARGV) do
  if found[status] ~= counted[status] then wrong[#wrong + 1] = status .. ': ' .. counted[status] .. ' for ' .. found[status] end
end
return table.concat(wrong, ', ')`

const PAYLOAD: Partial<Record<Status, [string, object?]>> = {
  supplier_accepted: ['supplier-respond', { accept: true }],
  supplier_rejected: ['supplier-respond', { accept: false }],
  customer_accepted: ['customer-accept', { customer_name: 'Ann', delivery_address: 'Here' }],
  dispatched: ['dispatch', { driver_name: 'Bob' }],
}
const ask = (api: Api, id: string, to: Status) => {
  const [what, body] = PAYLOAD[to] ?? [`status?status=${to}`]
  return api.step(id, what, body)
}

describe.skipIf(obstacle)('fifty clients at once, on two instances', () => {
  let platform: Platform
  let second: ServiceProcess
  let apis: Api[]
  let inside: Client

  beforeAll(async () => {
    platform = await openPlatform()
    second = await platform.part.twin!('platform-service')
    await second.start()
    apis = [new Api(platform.url), new Api(second.url)]
    inside = await lookInto(platform)
  })
  afterAll(async () => {
    inside?.destroy()
    await platform?.close()
  })
  const apiOf = (client: number) => apis[client % apis.length]!
  const events = async () =>
    ((await inside.xRange('stream:pizza_orders', '-', '+')) ?? []).map(
      ({ message }) => JSON.parse(message.event!) as OrderEvent,
    )

  test('have one winner of each step', async () => {
    const { id } = await apis[0]!.create()
    for (const to of [
      'supplier_accepted',
      'customer_accepted',
      'preparing',
      'ready',
      'dispatched',
      'in_transit',
      'delivered',
    ] as const) {
      const answers = await Promise.all(
        Array.from({ length: CLIENTS }, (_, client) => ask(apiOf(client), id, to)),
      )
      const count = (status: number) => answers.filter((answer) => answer.status === status).length
      expect([to, count(200), count(409)]).toEqual([to, 1, CLIENTS - 1])
      const lost = answers.filter(({ status }) => status === 409)
      expect(new Set(lost.map(({ body }) => body.current_status))).toEqual(new Set([to]))
    }
    const trail: OrderEvent[] = (await apis[1]!.get(`/api/orders/${id}/events`)).body
    expect(trail.map(({ order_version }) => order_version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('leave no gap and no repeat in versions and seqs, and statistics that equal a recount at every moment', async () => {
    const window = await new Window().open(apis[1]!.url)
    onTestFinished(() => window.close())
    const shared = await Promise.all(Array.from({ length: 20 }, () => apis[0]!.create()))
    const recounts: string[] = []
    let isDone = false
    const recounting = (async () => {
      while (!isDone) recounts.push((await inside.eval(RECOUNT, { arguments: [...STATUSES] })) as string)
    })()
    const client = async (at: number) => {
      const api = apiOf(at)
      for (let turn = 0; turn < 12; turn++) {
        const { id, status } =
          turn % 3 === 2
            ? await api.create()
            : (await api.get(`/api/orders/${shared[(at * 7 + turn) % 20]!.id}`)).body
        const next = NEXT[status as Status].filter((one) => one !== 'cancelled' || (at + turn) % 9 === 0)
        if (next.length > 0) await ask(api, id, next[(at + turn) % next.length]!)
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, (_, at) => client(at)))
    isDone = true
    await recounting
    expect(recounts.length).toBeGreaterThan(10)
    expect(recounts.filter((wrong) => wrong !== '')).toEqual([])

    const all = await events()
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, at) => at + 1))
    const versions = new Map<string, number[]>()
    for (const { order, order_version } of all)
      versions.set(order.id, [...(versions.get(order.id) ?? []), order_version])
    for (const [id, seen] of versions) expect([id, seen]).toEqual([id, seen.map((_, at) => at + 1)])
    const last = new Map(all.map(({ order }) => [order.id, order]))
    expect(await allOrders(apis[0]!)).toEqual(Object.fromEntries(last))
    await expect.poll(() => window.seq, { timeout: 15_000 }).toBe(all.length)
    expect(window.shown()).toEqual(Object.fromEntries(last))
    // The state of the door is the same count.
    const { statistics } = (await new Api(second.url).get('/api/state?limit=3')).body
    for (const status of STATUSES)
      expect([status, statistics[status]]).toEqual([
        status,
        [...last.values()].filter((order) => order.status === status).length,
      ])
  })

  test('do a batch once though all of them send it', async () => {
    const orders = await Promise.all(Array.from({ length: 30 }, () => apis[0]!.create()))
    const before = Number(await inside.get('stream:seq'))
    const batch = orders.map(({ id }) => ({ event_type: 'order.supplier_accepted', order_id: id }))
    const id = randomUUID()
    const answers = await Promise.all(Array.from({ length: CLIENTS }, (_, at) => apiOf(at).batch(batch, id)))
    expect(new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify(body)}`)).size).toBe(1)
    expect(Number(await inside.get('stream:seq'))).toBe(before + 30)
  })

  test('get ids for tracking that nobody else has, also where few are left', async () => {
    const { host, port } = platform.redis
    const env = {
      REDIS_HOST: host,
      REDIS_PORT: port,
      REDIS_USERNAME: acl.login.username,
      REDIS_PASSWORD: acl.login.password,
    }
    const connection = connectRedis(
      { ...env, REDIS_DB: platform.part.servers.redis!.db, REDIS_TLS: false, REDIS_TIMEOUT_MS: 2_000 },
      'test',
      createLog('test', 'silent'),
    )
    onTestFinished(() => connection.close())
    await expect.poll(connection.state).toBe('ok')
    let drawn = 0
    const orders = createOrders({
      connection,
      eventsKept: 100_000,
      dayOf: () => '2026-01-01',
      // Out of ten ids for ten orders, drawn anyhow.
      newIds: (kind) => {
        const start = drawn++
        return Array.from({ length: 10 }, (_, at) => `${kind}-${(at + start) % 10}`)
      },
    })
    const made = await Promise.all(Array.from({ length: 10 }, () => orders.create(offer())))
    expect(new Set(made.map(({ trackingId }) => trackingId)).size).toBe(10)
    expect(new Set(made.map(({ supplierTrackingId }) => supplierTrackingId)).size).toBe(10)
    for (const { json, trackingId } of made)
      expect(await inside.get(`track:${trackingId}`)).toBe(PizzaOrder.parse(JSON.parse(json)).id)
    const before = await inside.get('stream:seq')
    await expect(orders.create(offer())).rejects.toThrow('No id for tracking is free')
    expect(await inside.get('stream:seq')).toBe(before)
  })
})
