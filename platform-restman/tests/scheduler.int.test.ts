import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { waitFor } from '@lab/kit/wait.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { startPart } from '@lab/stack/part.ts'
import type { RunningPart } from '@lab/stack/spec.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { part as spec } from '../part.ts'
import { TOPICS } from '../shared/events/events.ts'
import { createSigner, type Identity } from '../shared/identity/identity.ts'
import { callUrl } from './call.ts'
import { SECRET } from './platform.ts'
import { openTopics, type Topics } from './topics.ts'

const ADMIN: Identity = { user_id: randomUUID(), email: 'user@example.com', role: 'admin' }
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

describe('the scheduler and the analytics, told by events', () => {
  let part: RunningPart
  let topics: Topics
  /** What was asked of the order-service, and what it answers. */
  const cancelled = new Map<string, string>()
  let answer = 200
  const orders = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const id = /^\/api\/orders\/(.*)\/cancel$/.exec(request.url ?? '')?.[1]
    if (id && request.headers['x-user-role'] === 'service') cancelled.set(id, JSON.parse(body).reason)
    response.writeHead(id ? answer : 404, { 'content-type': 'application/json' }).end('{}')
  })

  beforeAll(async () => {
    const run = joinRunDir()
    await new Promise<void>((resolve) => orders.listen(0, '127.0.0.1', resolve))
    const names = ['analytics-service', 'scheduler-service']
    const some = { ...spec, services: spec.services.filter(({ name }) => names.includes(name)) }
    part = await startPart(some, {
      run,
      servers: Object.fromEntries(spec.servers.map((name) => [name, sharedServer(name)])),
      env: { GATEWAY_SECRET: SECRET },
      serviceEnv: {
        'scheduler-service': {
          ORDER_SERVICE_URL: `http://127.0.0.1:${(orders.address() as AddressInfo).port}`,
          EXPIRE_EVERY_SECONDS: '0.2',
          DAY_GRACE_SECONDS: '0.1',
          LEASE_SECONDS: '3',
        },
      },
    })
    topics = await openTopics(part)
  })
  afterAll(async () => {
    await topics?.close()
    await part?.close()
    orders.close()
  })

  const scheduler = () => part.services['scheduler-service']!
  const analytics = () => part.services['analytics-service']!
  const ask = (url: string, path: string, who = ADMIN, method = 'GET') =>
    callUrl(method, `${url}${path}`, undefined, createSigner(SECRET)(who))
  const roadOf = async (orderId: string, who = ADMIN) =>
    ask(scheduler().url, `/api/scheduler/orders/${orderId}/road`, who)
  const rowOf = async (orderId: string) =>
    ask(analytics().url, `/api/analytics/orders/${orderId}`, { ...ADMIN, role: 'service' })
  const knows = (orderId: string) =>
    waitFor(`the road of ${orderId}`, async () => (await roadOf(orderId)).status === 200)
  /** Until the scheduler has read what is in the partition of this key: it puts aside what is written behind it. */
  const untilReadBehind = async (topic: string, key: string) => {
    const asides = async () =>
      (await topics.deadLetters(topic)).filter(({ consumer }) => consumer === 'scheduler-service').length
    const before = await asides()
    await topics.raw(topic, key, 'no event')
    await waitFor(`the scheduler to read ${topic}`, async () => (await asides()) > before)
  }
  const run = (job: string) => ask(scheduler().url, `/api/scheduler/jobs/${job}/run`, ADMIN, 'POST')

  test('stores an order once however often it comes, and shows its road to whom it concerns', async () => {
    const order = topics.order()
    await topics.place(order)
    await topics.place(order)
    const bill = await topics.bill(order)
    await topics.bill(
      order,
      { ...bill, payment_status: 'paid', paid_at: new Date().toISOString() },
      'bill.paid',
    )
    await topics.status(order.order_id, 'preparing')
    await topics.status(order.order_id, 'ready')
    await waitFor('the row to be ready and paid', async () => {
      const { json } = await rowOf(order.order_id)
      return json.status === 'ready' && json.payment_status === 'paid'
    })

    expect((await rowOf(order.order_id)).json).toMatchObject({
      item_count: 1,
      total_amount: 20.1,
      items_total: 20.1,
      bill_tax: 2.01,
      bill_total: 22.11,
    })
    await waitFor('six events', async () => (await roadOf(order.order_id)).json.events.length === 6)
    const road = (await roadOf(order.order_id)).json
    expect(road.events[0]).toMatchObject({ type: 'order.placed', topic: 'order.events' })
    expect(road).toMatchObject({
      ticket: { state: 'away' },
      analytics: { state: 'there', value: { status: 'ready' } },
    })
    const status = async (who: Partial<Identity>) =>
      (await roadOf(order.order_id, { ...ADMIN, ...who })).status
    expect(await status({ role: 'customer', user_id: order.user_id })).toBe(200)
    expect(await status({ role: 'customer' })).toBe(404)
    expect(await status({ role: 'owner', user_id: order.owner_id })).toBe(200)
    expect(await status({ role: 'kitchen', restaurant_id: order.restaurant_id })).toBe(200)
    expect(await status({ role: 'kitchen', restaurant_id: randomUUID() })).toBe(404)
  })

  test('puts what is no event aside with the reason, and goes on', async () => {
    const order = topics.order()
    await topics.raw('order.events', order.order_id, '{"order_id":')
    await topics.status(randomUUID(), 'ready')
    await topics.place(order)
    await knows(order.order_id)

    await waitFor('the dead letters of both', async () => {
      const reasons = (await topics.deadLetters('order.events')).map(
        ({ consumer, reason }) => `${consumer}: ${reason}`,
      )
      return ['analytics-service', 'scheduler-service'].every(
        (who) =>
          reasons.includes(`${who}: not JSON`) &&
          reasons.some((text) => new RegExp(`^${who}: order .* never placed$`).test(text)),
      )
    })
  })

  test('has unpaid and stale orders cancelled, and no other', async () => {
    const ago = (hours: number) => new Date(Date.now() - hours * HOUR_MS).toISOString()
    const [fresh, unpaid, paid, stale, cooked] = [0, 2, 2, 5, 5].map((hours) =>
      topics.order({ created_at: ago(hours) }),
    )
    for (const order of [cooked!, fresh!]) await topics.place(order)
    await topics.status(cooked!.order_id, 'preparing')
    // Its bill comes first: without it, the order would be due at once.
    await topics.bill(paid!, { payment_status: 'paid' })
    await untilReadBehind(TOPICS.bill, paid!.order_id)
    await topics.place(paid!)
    await waitFor('what is paid and cooked', async () => {
      const { json } = await roadOf(cooked!.order_id)
      return json.events?.length === 2 && (await roadOf(paid!.order_id)).json.events?.length === 2
    })
    // It was due until its second event came; nothing asks for it from here on.
    await run('expire-orders')
    cancelled.delete(cooked!.order_id)
    for (const order of [unpaid!, stale!]) await topics.place(order)

    await waitFor(
      'both to be cancelled',
      () => cancelled.has(unpaid!.order_id) && cancelled.has(stale!.order_id),
    )
    expect(cancelled.get(unpaid!.order_id)).toBe('unpaid')
    expect(cancelled.get(stale!.order_id)).toBe('stale')
    expect((await run('expire-orders')).json).toEqual({ result: '0 of 0 cancelled' })
    for (const order of [fresh!, cooked!, paid!]) expect(cancelled.has(order.order_id)).toBe(false)
    expect((await roadOf(stale!.order_id)).json.asked_to_cancel).toMatchObject({ why: 'stale' })
  })

  test('asks again when the order-service could not answer', async () => {
    answer = 503
    const order = topics.order({ created_at: new Date(Date.now() - 2 * HOUR_MS).toISOString() })
    await topics.place(order)
    await waitFor('the first asking', () => cancelled.delete(order.order_id))
    answer = 200
    await waitFor('the second asking', () => cancelled.has(order.order_id))
  })

  test('closes a day once, with everything that was placed on it, and mails one report', async () => {
    const day = (ago: number) => new Date(Date.now() - ago * DAY_MS).toISOString()
    const two = [topics.order({ created_at: day(3) }), topics.order({ created_at: day(3) })]
    for (const order of two) {
      await topics.place(order)
      await topics.bill(order)
    }
    await Promise.all(two.map(({ order_id }) => knows(order_id)))
    await waitFor('their bills', async () => {
      const roads = await Promise.all(two.map(({ order_id }) => roadOf(order_id)))
      return roads.every(({ json }) => json.events.length === 2)
    })
    await run('close-days')
    await run('close-days')
    const name = day(3).slice(0, 10)
    const reports = async () => {
      const { json } = await callUrl('GET', `${mailApi(part)}/api/v1/messages`)
      return json.messages.filter(({ Subject }: { Subject: string }) => Subject.includes(name))
    }
    await waitFor('the report', async () => (await reports()).length > 0)

    expect(await reports()).toEqual([
      expect.objectContaining({
        Subject: `RestMan, ${name}: 2 orders, 44.22 billed`,
        MessageID: `daily-report-${name}@restman`,
      }),
    ])
    // Its day is closed: it is counted in the next one.
    const late = topics.order({ created_at: day(3) })
    const next = topics.order({ created_at: day(2) })
    for (const order of [late, next]) await topics.place(order)
    await Promise.all([late, next].map(({ order_id }) => knows(order_id)))
    expect((await run('close-days')).status).toBe(200)
    const { json } = await ask(scheduler().url, `/api/scheduler/days/${day(2).slice(0, 10)}`)
    expect(json.reduce((sum: number, one: { late_count: number }) => sum + one.late_count, 0)).toBe(1)
  })

  test('has one runner, and another when it is gone', async () => {
    const twin = await part.twin!('scheduler-service')
    await twin.start()
    const isRunner = async (url: string) => (await ask(url, '/api/scheduler/jobs')).json.is_runner
    await waitFor('the first one to be the runner', () => isRunner(scheduler().url))
    expect(await isRunner(twin.url)).toBe(false)
    expect((await ask(twin.url, '/api/scheduler/jobs/clean/run', ADMIN, 'POST')).status).toBe(409)

    await scheduler().kill()
    await waitFor('the twin to be the runner', () => isRunner(twin.url))
    await scheduler().start()
    await waitFor('the first one to see it', async () => (await isRunner(scheduler().url)) === false)
    await twin.stop()
    await waitFor('the first one to be the runner again', () => isRunner(scheduler().url))
  })
})

const mailApi = ({ servers }: RunningPart) => servers.mail!.apiUrl!
