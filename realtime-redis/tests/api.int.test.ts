import { execFile, execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { nextIn } from '@lab/kit/paging.ts'
import { localContext, localObstacle, openTestRun } from '@lab/stack/fixtures/lab.ts'
import { startServer } from '@lab/stack/servers/index.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '../redis/connect.ts'
import { OrderEvent, PizzaOrder } from '../redis/schemas.ts'
import { NEXT, STATUSES } from '../redis/statuses.ts'
import { Api, lookInto, offer, openPlatform, type Platform, WAY } from './platform.ts'

const obstacle = await localObstacle('redis')
const run = promisify(execFile)
const NOBODY = randomUUID()

describe.skipIf(obstacle)('the platform', () => {
  let platform: Platform
  let api: Api
  let inside: Client

  beforeAll(async () => {
    platform = await openPlatform({ TRACK_GUESSES: '5' })
    api = new Api(platform.url)
    inside = await lookInto(platform)
  })
  afterAll(async () => {
    inside?.destroy()
    await platform?.close()
  })
  const seqNow = async () => Number((await inside.get('stream:seq')) ?? 0)
  const fieldsOf = ({ body }: { body: { errors?: { field: string }[] } }) =>
    body.errors?.map(({ field }) => field)

  describe('endpoints', () => {
    test('takes an order with the fields of the seed, under the key of the seed', async () => {
      const { status, body, headers } = await api.post('/api/orders', offer({ supplier_price: 10.05 }))
      expect(status).toBe(201)
      expect(Object.keys(body)).toEqual(Object.keys(PizzaOrder.shape))
      expect(PizzaOrder.strict().safeParse(body).success).toBe(true)
      expect(body).toMatchObject({ status: 'pending_supplier', supplier_price: 10.05, customer_price: null })
      expect(body.markup_percentage).toBe(30)
      expect(headers.get('location')).toBe(`/api/orders/${body.id}`)
      expect(headers.get('tracking-id')).toMatch(/^\d{8}$/)
      expect(headers.get('supplier-tracking-id')).toMatch(/^SUP-[0-9A-HJKMNP-TV-Z]{8}$/)
      expect(JSON.parse((await inside.get(`order:${body.id}`))!)).toEqual(body)
      expect((await api.get(`/api/orders/${body.id}`)).body).toEqual(body)
    })

    test('leads an order from its offer to its delivery, and tells of each step', async () => {
      let order = await api.create({ supplier_price: 26.25, markup_percentage: 29.96 })
      for (const [status, ask] of WAY) {
        const answer = await api.step(order.id, ask)
        expect(answer.status, ask).toBe(200)
        order = answer.body
        expect(order.status).toBe(status)
        expect((await api.get(`/api/orders/${order.id}`)).body).toEqual(order)
      }
      expect(order).toMatchObject({
        customer_price: 34.11,
        customer_name: 'John Doe',
        delivery_address: '123 Main St',
        driver_name: 'Mike Driver',
        supplier_notes: 'Fresh ingredients',
        estimated_delivery_time: 30,
      })
      const trail: OrderEvent[] = (await api.get(`/api/orders/${order.id}/events`)).body
      expect(trail.map(({ event_type }) => event_type)).toEqual([
        'order.created',
        'order.supplier_accepted',
        'order.customer_accepted',
        'order.preparing',
        'order.ready',
        'order.dispatched',
        'order.in_transit',
        'order.delivered',
      ])
      expect(trail.map(({ order_version }) => order_version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
      for (const event of trail) expect(OrderEvent.strict().safeParse(event).error).toBeUndefined()
      expect(trail.at(-1)!.order).toEqual(order)
      expect(trail.every(({ order: { updated_at }, timestamp }) => updated_at === timestamp)).toBe(true)
    })

    test('takes commands from a JSON body as well, and not from two that disagree', async () => {
      const { id } = await api.create()
      const contradiction = await api.step(id, 'supplier-respond?accept=true', { accept: false })
      expect([contradiction.status, fieldsOf(contradiction)]).toEqual([400, ['accept']])
      const rejected = await api.step(id, 'supplier-respond', { accept: false, notes: 'no dough' })
      expect(rejected.body).toMatchObject({ status: 'supplier_rejected', supplier_notes: 'no dough' })
    })

    test.each(STATUSES.flatMap((from) => STATUSES.map((to) => [from, to] as const)))(
      'from %s to %s as the lifecycle has it',
      async (from, to) => {
        const ends = {
          supplier_rejected: 'supplier-respond?accept=false',
          cancelled: 'status?status=cancelled',
        }
        const { id } = await api.orderAt(from in ends ? 'pending_supplier' : from)
        if (from in ends) await api.step(id, ends[from as keyof typeof ends])
        const before = await seqNow()
        const data = { customer_name: 'A', delivery_address: 'B', driver_name: 'C' }
        const answer =
          to === 'pending_supplier'
            ? await api.step(id, `status?status=${to}`)
            : to === 'supplier_accepted'
              ? await api.step(id, 'supplier-respond?accept=true')
              : to === 'supplier_rejected'
                ? await api.step(id, 'supplier-respond?accept=false')
                : to === 'customer_accepted'
                  ? await api.step(id, 'customer-accept', {
                      customer_name: data.customer_name,
                      delivery_address: data.delivery_address,
                    })
                  : to === 'dispatched'
                    ? await api.step(id, 'dispatch', { driver_name: data.driver_name })
                    : await api.step(id, `status?status=${to}`)
        if (NEXT[from].includes(to)) {
          expect(answer.status).toBe(200)
          expect(answer.body.status).toBe(to)
          expect(await seqNow()).toBe(before + 1)
        } else {
          expect(answer.status).toBe(409)
          expect(answer.body).toMatchObject({ current_status: from, allowed: NEXT[from] })
          expect(await seqNow()).toBe(before)
        }
      },
    )

    test('lists the newest first, by status and page by page', async () => {
      const made = []
      for (let at = 0; at < 5; at++) made.push((await api.create({ pizza_name: `Pizza ${at}` })).id)
      const first = await api.get('/api/orders?limit=2')
      expect(first.body.map(({ id }: PizzaOrder) => id)).toEqual([made[4], made[3]])
      await api.create()
      const second = await api.get(nextIn(first.headers.get('link'))!)
      expect(second.body.map(({ id }: PizzaOrder) => id)).toEqual([made[2], made[1]])
      await api.step(made[2]!, 'supplier-respond?accept=true')
      const accepted = await api.get('/api/orders?status=supplier_accepted&limit=1')
      expect(accepted.body).toMatchObject([{ id: made[2] }])
      expect(nextIn(accepted.headers.get('link')) ?? 'status=supplier_accepted').toContain(
        'status=supplier_accepted',
      )
      expect((await api.get('/api/orders?cursor=x')).status).toBe(400)
    })

    test('makes one order of an offer that is sent twice under a key, also at the same time', async () => {
      const key = { 'idempotency-key': randomUUID() }
      const before = await seqNow()
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => api.post('/api/orders', offer(), key)),
      )
      expect(new Set(answers.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1)
      expect(new Set(answers.map(({ headers }) => headers.get('tracking-id'))).size).toBe(1)
      expect(await seqNow()).toBe(before + 1)
      expect((await api.post('/api/orders', offer({ pizza_name: 'Other' }), key)).status).toBe(422)
    })

    test.each([
      ['supplier_name', offer({ supplier_name: ' ' })],
      ['supplier_name', offer({ supplier_name: 'x'.repeat(101) })],
      ['supplier_name', offer({ supplier_name: 'lone \ud800' })],
      ['supplier_name', offer({ supplier_name: 7 })],
      ['pizza_name', { supplier_name: 'a', supplier_price: 1 }],
      ['supplier_price', offer({ supplier_price: 0 })],
      ['supplier_price', offer({ supplier_price: -1 })],
      ['supplier_price', offer({ supplier_price: 1.005 })],
      ['supplier_price', offer({ supplier_price: '10' })],
      ['supplier_price', offer({ supplier_price: 1e9 })],
      ['markup_percentage', offer({ markup_percentage: -1 })],
      ['status', offer({ status: 'delivered' })],
      ['body', []],
      ['body', '{"supplier_name":'],
      ['body', 'x'.repeat(20_000)],
    ])('refuses an offer by its %s and keeps nothing of it', async (field, body) => {
      const before = await seqNow()
      const answer = await api.post('/api/orders', body)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.status).toBeLessThan(500)
      expect(fieldsOf(answer)).toContain(field)
      expect(await seqNow()).toBe(before)
    })

    test.each([
      ['supplier-respond', 'accept', 400],
      ['supplier-respond?accept=maybe', 'accept', 400],
      ['supplier-respond?accept=true&estimated_time=0', 'estimated_time', 400],
      ['supplier-respond?accept=true&estimated_time=soon', 'estimated_time', 400],
      ['supplier-respond?accept=true&colour=red', 'colour', 400],
      [`supplier-respond?accept=true&notes=${'x'.repeat(501)}`, 'notes', 400],
      ['customer-accept?customer_name=John', 'delivery_address', 400],
      ['dispatch?driver_phone=1', 'driver_name', 400],
      ['status?status=eaten', 'status', 400],
      ['status', 'status', 400],
    ])('refuses %s by its %s', async (ask, field, status) => {
      const { id } = await api.create()
      const answer = await api.step(id, ask)
      expect([answer.status, fieldsOf(answer)]).toEqual([status, [field]])
      expect((await api.get(`/api/orders/${id}`)).body.status).toBe('pending_supplier')
    })

    test('a step without what it needs is refused by the name of the field', async () => {
      const { id } = await api.orderAt('supplier_accepted')
      const answer = await api.step(id, 'status?status=customer_accepted')
      expect([answer.status, fieldsOf(answer)]).toEqual([400, ['customer_name']])
    })

    test.each([NOBODY, 'nonsense', `${NOBODY}:meta`, '%00', 'x'.repeat(90)])(
      'has no order %s',
      async (id) => {
        for (const path of ['', '/events', '/delivery', '/tracking'])
          expect((await api.get(`/api/orders/${id}${path}`)).status, path).toBe(404)
        expect((await api.step(id, 'supplier-respond?accept=true')).status).toBe(404)
        expect((await api.step(id, 'status?status=ready')).status).toBe(404)
      },
    )

    test('lets the pages of the seed call it, and no others', async () => {
      const asked = {
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      }
      for (const origin of ['http://localhost:5173', 'http://localhost:3000']) {
        const { status, headers } = await api.send('OPTIONS', '/api/orders', undefined, { origin, ...asked })
        expect([status, headers.get('access-control-allow-origin')]).toEqual([204, origin])
        expect((await api.get('/api/orders', { origin })).headers.get('access-control-allow-origin')).toBe(
          origin,
        )
      }
      const { headers } = await api.get('/api/orders', { origin: 'http://evil.example' })
      expect(headers.get('access-control-allow-origin')).toBeNull()
      expect((await api.get('/api/nothing')).status).toBe(404)
      expect((await api.send('PUT', '/api/orders')).status).toBe(405)
    })

    test('has metrics that promtool finds nothing against, without names of people', async () => {
      await api.orderAt('delivered', { supplier_name: 'Trattoria "Da Enzo"\n' })
      const { body } = await api.get('/metrics')
      expect(body).toContain('pizza_orders{status="pending_supplier"')
      expect(body).not.toMatch(/Enzo|Mike|John/)
      // It brings its tools, and is installed where it is missing.
      await (await startServer('prometheus', localContext(await openTestRun()))).close()
      execFileSync('promtool', ['check', 'metrics'], { input: body, stdio: ['pipe', 'pipe', 'pipe'] })
      const figures = (await api.get('/api/metrics')).body
      expect(figures.suppliers).toContainEqual(
        expect.objectContaining({
          supplier_name: 'Trattoria "Da Enzo"',
          orders: 1,
          accepted: 1,
          delivered: 1,
          revenue: 13,
        }),
      )
      expect(figures.drivers[0]).toMatchObject({
        driver_name: 'Mike Driver',
        average_delivery_seconds: expect.any(Number),
      })
    })

    test('tells a client of another make what the seed says, on the channel of the seed', async () => {
      const { port, admin } = platform.redis
      const cli = (...args: string[]) =>
        run('redis-cli', [
          '-p',
          String(port),
          '--user',
          admin.username,
          '--pass',
          admin.password,
          '--no-auth-warning',
          '-n',
          String(platform.part.servers.redis!.db),
          ...args,
        ])
      const { id } = await api.create()
      const listening = run('timeout', [
        '2',
        'redis-cli',
        '-p',
        String(port),
        '--user',
        admin.username,
        '--pass',
        admin.password,
        '--no-auth-warning',
        'subscribe',
        'pizza_orders',
      ]).catch(({ stdout }) => ({ stdout }))
      await expect.poll(async () => (await inside.pubSubNumSub('pizza_orders')).pizza_orders).toBe(2)
      await api.step(id, 'supplier-respond?accept=true')
      const heard = JSON.parse(
        ((await listening).stdout as string).split('\n').find((line) => line.startsWith('{'))!,
      )
      expect(heard).toMatchObject({
        event_type: 'order.supplier_accepted',
        order: { id, status: 'supplier_accepted' },
      })
      const kept = JSON.parse((await cli('get', `order:${id}`)).stdout)
      expect(kept).toEqual(heard.order)
      const [, entry] = (await cli('xrevrange', 'stream:pizza_orders', '+', '-', 'COUNT', '1')).stdout.split(
        'event\n',
      )
      expect(JSON.parse(entry!)).toEqual(heard)
    })
  })

  describe('delivery', () => {
    test.each([
      ['dispatched', 33],
      ['in_transit', 66],
      ['delivered', 100],
    ] as const)('is %s at %d percent', async (status, progress) => {
      const { id } = await api.orderAt(status)
      const { status: code, body } = await api.get(`/api/orders/${id}/delivery`)
      expect(code).toBe(200)
      expect(body).toMatchObject({
        order_id: id,
        current_status: status,
        progress_percentage: progress,
        driver_name: 'Mike Driver',
        driver_phone: '555-0123',
      })
      const { dispatched_at, in_transit_at, delivered_at } = body.timeline
      expect(Date.parse(body.estimated_arrival) - Date.parse(dispatched_at)).toBe(30 * 60_000)
      expect([in_transit_at !== null, delivered_at !== null]).toEqual([progress >= 66, progress === 100])
    })

    test.each(['pending_supplier', 'ready'] as const)('is none while it is %s', async (status) => {
      const { id } = await api.orderAt(status)
      expect((await api.get(`/api/orders/${id}/delivery`)).status).toBe(400)
    })
  })

  describe('batch', () => {
    test('does all of it, in order, under one correlation id, and the same one once', async () => {
      const [a, b] = [await api.orderAt('customer_accepted'), await api.orderAt('preparing')]
      const before = await seqNow()
      const events = [
        { event_type: 'order.preparing', order_id: a.id },
        { event_type: 'order.ready', order_id: b.id },
        { event_type: 'order.ready', order_id: a.id, data: null },
        { event_type: 'order.dispatched', order_id: a.id, data: { driver_name: 'Ann', driver_phone: '1' } },
      ]
      const id = randomUUID()
      const answers = [
        await api.batch(events, id),
        ...(await Promise.all([api.batch(events, id), api.batch(events, id)])),
      ]
      for (const { status, body } of answers) {
        expect(status).toBe(200)
        expect(body).toEqual({
          success: true,
          events_processed: 4,
          correlation_id: id,
          timestamp: answers[0]!.body.timestamp,
        })
      }
      expect(await seqNow()).toBe(before + 4)
      const trail: OrderEvent[] = (await api.get(`/api/orders/${a.id}/events`)).body
      expect(trail.slice(-3).map(({ event_type, correlation_id }) => [event_type, correlation_id])).toEqual([
        ['order.preparing', id],
        ['order.ready', id],
        ['order.dispatched', id],
      ])
      const seqs = [...trail.slice(-3), ...(await api.get(`/api/orders/${b.id}/events`)).body.slice(-1)].map(
        ({ seq }) => seq,
      )
      expect(seqs).toEqual([before + 1, before + 3, before + 4, before + 2])
      expect((await api.get(`/api/orders/${a.id}`)).body).toMatchObject({
        status: 'dispatched',
        driver_name: 'Ann',
      })
      expect((await api.batch(events.slice(1), id)).status).toBe(422)
    })

    test('does none of it when one is refused, and says of each what is wrong', async () => {
      const { id } = await api.orderAt('customer_accepted')
      const before = await seqNow()
      const { status, body } = await api.batch([
        { event_type: 'order.preparing', order_id: id },
        { event_type: 'order.delivered', order_id: id },
        { event_type: 'order.ready', order_id: NOBODY },
        { event_type: 'order.ready', order_id: id },
        { event_type: 'order.dispatched', order_id: id },
      ])
      expect(status).toBe(409)
      expect(body.errors.map(({ field }: { field: string }) => field)).toEqual([
        'events.1.event_type',
        'events.2.order_id',
        'events.4.data.driver_name',
      ])
      expect(body.events[0]).toMatchObject({
        index: 1,
        current_status: 'preparing',
        allowed: ['ready', 'cancelled'],
      })
      expect(await seqNow()).toBe(before)
      expect((await api.get(`/api/orders/${id}`)).body.status).toBe('customer_accepted')
    })

    test('takes five hundred events at once, and not one more', async () => {
      const orders = await Promise.all(Array.from({ length: 250 }, () => api.create()))
      const events = ['order.supplier_accepted', 'order.cancelled'].flatMap((event_type) =>
        orders.map(({ id }) => ({ event_type, order_id: id, data: { notes: 'x'.repeat(100) } })),
      )
      const more = await api.batch([...events, events[0]!])
      expect([more.status, fieldsOf(more)]).toEqual([400, ['events']])
      const before = await seqNow()
      expect((await api.batch(events)).body).toMatchObject({ success: true, events_processed: 500 })
      expect(await seqNow()).toBe(before + 500)
    })

    test.each([
      ['events', {}],
      ['events', { events: [] }],
      ['events.0.event_type', { events: [{ event_type: 'order.created', order_id: NOBODY }] }],
      ['events.0.event_type', { events: [{ event_type: 'order.eaten', order_id: NOBODY }] }],
      ['events.0.order_id', { events: [{ event_type: 'order.ready', order_id: 'uuid-1' }] }],
      [
        'events.0.data.driver_name',
        { events: [{ event_type: 'order.ready', order_id: NOBODY, data: { driver_name: 1 } }] },
      ],
      [
        'correlation_id',
        { events: [{ event_type: 'order.ready', order_id: NOBODY }], correlation_id: 'a b' },
      ],
    ])('refuses a batch by its %s', async (field, body) => {
      const answer = await api.post('/api/events/batch', body)
      expect([answer.status, fieldsOf(answer)]).toEqual([400, [field]])
    })
  })

  describe('tracking', () => {
    test('shows by either id where the order is, and nobody it is of', async () => {
      const order = await api.orderAt('in_transit')
      const ids = (await api.get(`/api/orders/${order.id}/tracking`)).body
      for (const path of [ids.tracking_id, `supplier/${ids.supplier_tracking_id}`]) {
        const { status, body } = await api.get(`/api/track/${path}`)
        expect(status).toBe(200)
        expect(body).toMatchObject({ status: 'in_transit', progress_percentage: 66 })
        expect(JSON.stringify(body)).not.toMatch(/John|Mike|Main St|555|Palace/)
        expect(JSON.stringify(body)).not.toContain(order.id)
      }
    })

    test('answers what is unknown and what is malformed the same, and a guesser nothing any more', async () => {
      const { id } = await api.create()
      const { tracking_id } = (await api.get(`/api/orders/${id}/tracking`)).body
      const unknown = await api.get('/api/track/supplier/SUP-ZZZZZZZZ')
      const malformed = await api.get('/api/track/12')
      const strip = ({ instance: _, ...body }: { instance: string }) => body
      expect([unknown.status, malformed.status]).toEqual([404, 404])
      expect(strip(unknown.body)).toEqual(strip(malformed.body))
      for (let guess = 2; guess < 5; guess++) expect((await api.get(`/api/track/x${guess}`)).status).toBe(404)
      const limited = [await api.get('/api/track/x'), await api.get(`/api/track/${tracking_id}`)]
      for (const { status, headers } of limited) {
        expect(status).toBe(429)
        expect(Number(headers.get('retry-after'))).toBeGreaterThan(86_000)
      }
      await inside.del('track:guesses:127.0.0.1')
      expect((await api.get(`/api/track/${tracking_id}`)).status).toBe(200)
    })
  })
})

describe.skipIf(obstacle)('the state of the platform', () => {
  let platform: Platform
  let api: Api
  beforeAll(async () => {
    // Ten hours before or after UTC a day may be another one: it is the same for all who count.
    platform = await openPlatform({ TIME_ZONE: 'Pacific/Auckland' })
    api = new Api(platform.url)
  })
  afterAll(() => platform?.close())

  test('counts, lists and is five seconds old at most', async () => {
    for (const status of ['pending_supplier', 'dispatched', 'dispatched', 'in_transit', 'delivered'] as const)
      await api.orderAt(status)
    const { status, body, headers } = await api.get('/api/state?include_completed=true&limit=10')
    expect(status).toBe(200)
    expect(headers.get('age')).toBe('0')
    expect(body.statistics).toEqual({
      ...Object.fromEntries(STATUSES.map((one) => [one, 0])),
      total_orders: 5,
      active_deliveries: 3,
      completed_today: 1,
      pending_supplier: 1,
      dispatched: 2,
      in_transit: 1,
      delivered: 1,
    })
    expect(Object.keys(body.orders_by_status)).toEqual(STATUSES)
    expect(body.orders_by_status.dispatched).toHaveLength(2)
    expect(body.active_drivers).toHaveLength(3)
    expect(body.active_drivers[0]).toMatchObject({
      driver_name: 'Mike Driver',
      driver_phone: '555-0123',
      status: 'dispatched',
    })

    await api.orderAt('delivered')
    const again = await api.get('/api/state?include_completed=true&limit=10')
    expect(again.body).toEqual(body)
    const without = await api.get('/api/state?include_completed=false&limit=1')
    expect(without.body.orders_by_status.delivered).toBeUndefined()
    expect(without.body.orders_by_status.dispatched).toHaveLength(1)
    expect(without.body.statistics).toMatchObject({ delivered: 2, completed_today: 2, total_orders: 6 })
    await expect
      .poll(
        async () => (await api.get('/api/state?include_completed=true&limit=10')).body.statistics.delivered,
        { timeout: 15_000, interval: 500 },
      )
      .toBe(2)
  })

  test.each(['include_completed=maybe', 'limit=0', 'limit=1001', 'limit=x', 'page=2'])(
    'refuses ?%s',
    async (query) => {
      expect((await api.get(`/api/state?${query}`)).status).toBe(400)
    },
  )

  test('names today in the time zone it was given', async () => {
    const inside = await lookInto(platform)
    const [, day] = (await inside.keys('orders:completed:*'))[0]!.match(/:(\d{4}-\d\d-\d\d)$/)!
    inside.destroy()
    const auckland = new Intl.DateTimeFormat('en-CA', { timeZone: 'Pacific/Auckland', dateStyle: 'short' })
    expect([auckland.format(Date.now()), auckland.format(Date.now() - 60_000)]).toContain(day)
  })
})
