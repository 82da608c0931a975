import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { waitFor } from '@lab/kit/wait.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { postmanFiles } from '../postman/generate.ts'
import { createSigner, type Identity, type Role } from '../shared/identity/identity.ts'
import { type Answer, callUrl, expectStatus } from './call.ts'
import { type Ids, type OpenApi, type Route, requestFor, routesOf } from './matrix.ts'
import { openPlatform, openRestaurant, type Person, type Place, SECRET } from './platform.ts'

const platform = await openPlatform({
  run: joinRunDir(),
  servers: {
    postgres: sharedServer('postgres'),
    kafka: sharedServer('kafka'),
    redis: sharedServer('redis'),
    clickhouse: sharedServer('clickhouse'),
    mail: sharedServer('mail'),
  },
  serviceEnv: { 'auth-service': { OTP_MAILS_PER_HOUR: '40' } },
})
afterAll(() => platform.part.close())
const { gateway, call, signIn, withRole } = platform

const NEWMAN = createRequire(import.meta.url).resolve('newman/bin/newman.js')

/** As `call`, from another address of this machine. */
async function callFrom(localAddress: string, path: string, body: object): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  const sent = request(`${gateway}${path}`, { method: 'POST', localAddress, headers, agent: false })
  sent.end(JSON.stringify(body))
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return { status: response.statusCode!, headers: new Headers(), json: JSON.parse(await text(response)) }
}

const verify = (email: string, otp: string) => call('POST', '/api/auth/verify-otp', { email, otp })
async function askForCode(email: string): Promise<string> {
  const known = new Set((await platform.mailsTo(email)).map(({ ID }) => ID))
  await expectStatus(call('POST', '/api/auth/request-otp', { email }), 202)
  return platform.codeFor(email, known)
}
const wrong = (code: string, by: number) => String((Number(code) + by) % 1_000_000).padStart(6, '0')
const newEmail = () => `${randomUUID()}@example.com`

describe('signing in', () => {
  test('takes the code of the mail, once, and logs out of this session alone', async () => {
    const email = newEmail()
    const otp = await askForCode(email)
    const answers = await Promise.all(Array.from({ length: 4 }, () => verify(email, otp)))
    const good = answers.filter(({ status }) => status === 200)
    expect(good).toHaveLength(1)
    expect(good[0]!.json).toMatchObject({ user: { email, role: 'customer' } })

    const [mine, other] = [await signIn(email), await signIn(email)]
    expect(mine.user_id).toBe(other.user_id)
    await mine.send('POST', '/api/auth/logout', { session_token: other.token })
    expect((await mine.get('/api/auth/me')).status).toBe(401)
    expect((await other.get('/api/auth/me')).json).toMatchObject({ email, role: 'customer' })
  })

  test('allows five wrong codes, and a stranger’s do not count against anybody else', async () => {
    const email = newEmail()
    const otp = await askForCode(email)
    for (let at = 1; at <= 5; at++) {
      expect((await verify(email, wrong(otp, at))).status).toBe(401)
      if (at === 3) await askForCode(email)
    }

    expect((await verify(email, otp)).status).toBe(429)
    expect((await callFrom('127.0.0.2', '/api/auth/verify-otp', { email, otp })).status).toBe(200)
  })

  test('gives nobody a role that nobody granted', async () => {
    const email = newEmail()
    const otp = await askForCode(email)
    expect((await call('POST', '/api/auth/verify-otp', { email, otp, role: 'admin' })).status).toBe(400)
    const session = await expectStatus(verify(email, otp), 200)
    expect(session.json.user.role).toBe('customer')

    const person = await signIn()
    const grant = { email: person.email, role: 'owner' }
    expect((await person.send('POST', '/api/auth/roles', grant)).status).toBe(403)
    expect((await person.send('POST', '/api/restaurants', { name: 'Mine' })).status).toBe(403)
    await expectStatus((await platform.admin()).send('POST', '/api/auth/roles', grant), 200)
    expect((await person.send('POST', '/api/restaurants', { name: 'Mine' })).status).toBe(201)
    await (await platform.admin()).send('POST', '/api/auth/roles', { email: person.email, role: 'customer' })
    expect((await person.send('POST', '/api/restaurants', { name: 'Mine' })).status).toBe(403)
  })

  test('answers the same, in the same time, for an address that exists and for one that does not', async () => {
    const { email: known } = await signIn()
    const times: Record<string, number[]> = { known: [], unknown: [] }
    const bodies = new Set<string>()
    for (let round = 0; round < 25; round++)
      for (const [kind, email] of [
        ['known', known],
        ['unknown', newEmail()],
      ] as const)
        for (const [path, body] of [
          ['request-otp', { email }],
          ['verify-otp', { email, otp: '000000' }],
        ] as const) {
          const from = `127.0.1.${round + 1}`
          const startedAt = performance.now()
          const { status, json } = await callFrom(from, `/api/auth/${path}`, body)
          times[kind]!.push(performance.now() - startedAt)
          bodies.add(`${path} ${status} ${JSON.stringify(json)}`)
        }

    expect([...bodies]).toHaveLength(2)
    const [a, b] = Object.values(times).map((list) => list.toSorted((x, y) => x - y)[list.length >> 1]!)
    expect(Math.abs(a! - b!)).toBeLessThan(Math.max(a!, b!) / 2 + 2)
  })

  test('answers the same when an address has had its mails, and sends no more', async () => {
    const email = newEmail()
    const ask = () => call('POST', '/api/auth/request-otp', { email })
    const answers = await Promise.all(Array.from({ length: 45 }, ask))

    expect(new Set(answers.map(({ status, json }) => `${status} ${JSON.stringify(json)}`)).size).toBe(1)
    let mailed = 0
    const allMailed = async () => {
      mailed = (await platform.mailsTo(email)).length
      return mailed >= 40
    }
    await waitFor('the mails', allMailed, {
      timeoutMs: 60_000,
      detail: () => `${mailed} of 40 have come`,
    })
    await askForCode(newEmail())
    expect(await platform.mailsTo(email)).toHaveLength(40)
  })

  test('takes one address, of one line', async () => {
    for (const email of [
      'a@example.com,b@example.com',
      'a@example.com\r\nBcc: b@example.com',
      '<a@example.com>',
      '',
      'a',
    ])
      expect((await call('POST', '/api/auth/request-otp', { email })).status, email).toBe(400)
    const spelled = await askForCode(newEmail()).then(() => signIn('Spelled@Example.com'))
    expect((await spelled.get('/api/auth/me')).json.email).toBe('spelled@example.com')
  })
})

describe('a menu', () => {
  let owner: Person
  let place: Place
  beforeAll(async () => {
    owner = await withRole('owner')
    place = await openRestaurant(owner)
  })

  test('holds any text as it was written, and runs none of it', async () => {
    const texts = [
      "Robert'); DROP TABLE foods;--",
      "' OR '1'='1",
      '<script>alert(1)</script>',
      '{{7*7}} #{7*7} <%= 7*7 %>',
      '../../etc/passwd',
      '$1 \\\\ \\" %00 %s',
      '寿司 🍣',
    ]
    for (const name of texts) {
      const { category_id } = place
      const sent = { category_id, name, description: name, price: 0.1 }
      const { json } = await expectStatus(owner.send('POST', '/api/foods', sent), 201)
      expect((await owner.get(`/api/foods/${json.food_id}`)).json).toMatchObject({
        name,
        description: name,
        price: 0.1,
      })
    }
    const { json: menu } = await owner.get(`/api/restaurants/${place.restaurant_id}/menu`)
    expect(menu.categories[0].foods.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(texts),
    )
    for (const name of ['', ' ', 'a\0b', 'a\r\nb', 'x'.repeat(121), 7, null, ['a']])
      expect((await owner.send('POST', '/api/restaurants', { name })).status).toBe(400)
    for (const id of ["' or 1=1--", '%27', '1', '00000000-0000-0000-0000-00000000000g'])
      expect([400, 404]).toContain((await owner.get(`/api/foods/${encodeURIComponent(id)}`)).status)
    expect((await owner.get(`/api/foods?restaurant_id=${encodeURIComponent("' or 1=1--")}`)).status).toBe(400)
    for (const price of [-1, 1.005, 1e9, '12.50', null])
      expect((await owner.send('POST', '/api/foods', { ...place, name: 'x', price })).status).toBe(400)
  })

  test('is new for everybody once its change is answered, however many read it meanwhile', async () => {
    const menuPath = `/api/restaurants/${place.restaurant_id}/menu`
    let isOver = false
    const readers = Array.from({ length: 4 }, async () => {
      while (!isOver) await owner.get(menuPath)
    })
    for (let round = 1; round <= 15; round++) {
      const food = { category_id: place.category_id, name: 'Pizza', price: round }
      await expectStatus(owner.send('PUT', `/api/foods/${place.food_id}`, food), 200)
      const { json } = await owner.get(menuPath)
      const [shown] = json.categories[0].foods.filter(
        (one: { food_id: string }) => one.food_id === place.food_id,
      )
      expect(shown.price).toBe(round)
    }
    isOver = true
    await Promise.all(readers)
  })

  test('changes by its owner alone, and keeps its foods in its own categories', async () => {
    const other = await withRole('owner')
    const theirs = await openRestaurant(other)

    const moved = { category_id: theirs.category_id, name: 'Pizza', price: 1 }
    expect((await owner.send('PUT', `/api/foods/${place.food_id}`, moved)).status).toBe(400)
    expect((await owner.send('POST', '/api/foods', moved)).status).toBe(403)
    expect((await owner.send('DELETE', `/api/categories/${place.category_id}`)).status).toBe(409)
    expect((await owner.send('DELETE', `/api/restaurants/${theirs.restaurant_id}`)).status).toBe(403)
    await expectStatus(other.send('DELETE', `/api/restaurants/${theirs.restaurant_id}`), 204)
    expect((await other.get(`/api/foods/${theirs.food_id}`)).status).toBe(404)
  })

  test('is read page by page', async () => {
    const { category_id, restaurant_id } = await openRestaurant(owner)
    for (let at = 0; at < 4; at++)
      await expectStatus(
        owner.send('POST', '/api/foods', { category_id, name: `Food ${at}`, price: at }),
        201,
      )

    const names: string[] = []
    let path: string | undefined = `/api/foods?restaurant_id=${restaurant_id}&limit=2`
    while (path) {
      const { json, headers } = await expectStatus(owner.get(path), 200)
      names.push(...json.map(({ name }: { name: string }) => name))
      path = /<(.*)>/.exec(headers.get('link') ?? '')?.[1]
    }
    expect(names).toEqual(['Pizza Margherita', 'Food 0', 'Food 1', 'Food 2', 'Food 3'])
  })
})

describe('an order', () => {
  let owner: Person
  let customer: Person
  let place: Place
  beforeAll(async () => {
    ;[owner, customer] = await Promise.all([withRole('owner'), signIn()])
    place = await openRestaurant(owner)
  })
  const order = (items: object[], more: object = {}, headers?: Record<string, string>) =>
    customer.send('POST', '/api/orders', { restaurant_id: place.restaurant_id, items, ...more }, headers)

  test('has the prices of the menu, whatever the client says, and keeps them', async () => {
    const { food_id } = place
    for (const [item, more] of [
      [{ food_id, quantity: 1, unit_price: 0.01 }, {}],
      [{ food_id, quantity: 1, price: 0 }, {}],
      [{ food_id, quantity: 1 }, { total_amount: 0.01 }],
      [{ food_id, quantity: 1 }, { user_id: owner.user_id }],
      [{ food_id, quantity: 1 }, { status: 'delivered' }],
    ] as const)
      expect((await order([item], more)).status).toBe(400)

    const { json } = await expectStatus(
      order([
        { food_id, quantity: 1 },
        { food_id, quantity: 2 },
      ]),
      201,
    )
    expect(json).toMatchObject({ total_amount: 37.5, user_id: customer.user_id, status: 'placed' })
    expect(json.items).toMatchObject([{ food_name: 'Pizza Margherita', quantity: 3, unit_price: 12.5 }])
    const dearer = { category_id: place.category_id, name: 'Pizza Margherita', price: 99 }
    await expectStatus(owner.send('PUT', `/api/foods/${food_id}`, dearer), 200)
    expect((await customer.get(`/api/orders/${json.order_id}`)).json.total_amount).toBe(37.5)
  })

  test('is of one restaurant, of foods that are to be had, in whole numbers', async () => {
    const other = await openRestaurant(owner)
    const before = (await customer.get('/api/orders')).json.length
    const { food_id } = place
    for (const quantity of [0, -1, 1.5, '2', 1e9, null])
      expect((await order([{ food_id, quantity }])).status, `${quantity}`).toBe(400)
    for (const id of [other.food_id, randomUUID(), "' or 1=1--", place.category_id])
      expect((await order([{ food_id: id, quantity: 1 }])).status, id).toBe(400)
    expect(
      (
        await order([
          { food_id, quantity: 1 },
          { food_id: other.food_id, quantity: 1 },
        ])
      ).status,
    ).toBe(400)
    expect((await order([])).status).toBe(400)
    await expectStatus(
      owner.send('PATCH', `/api/foods/${food_id}/availability`, { is_available: false }),
      200,
    )
    expect((await order([{ food_id, quantity: 1 }])).status).toBe(409)
    await expectStatus(owner.send('PATCH', `/api/foods/${food_id}/availability`, { is_available: true }), 200)

    expect((await customer.get('/api/orders')).json).toHaveLength(before)
  })

  test('is one, however often it is sent with the same key', async () => {
    const { food_id } = place
    const key = { 'idempotency-key': randomUUID() }
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => order([{ food_id, quantity: 1 }], {}, key)),
    )
    const good = answers.filter(({ status }) => status < 300)
    expect(good.length).toBeGreaterThan(0)
    expect(new Set(good.map(({ json }) => json.order_id)).size).toBe(1)
    expect((await order([{ food_id, quantity: 2 }], {}, key)).status).toBe(422)
    const theirs = { restaurant_id: place.restaurant_id, items: [{ food_id, quantity: 2 }] }
    expect((await (await signIn()).send('POST', '/api/orders', theirs, key)).status).toBe(201)
  })

  test('goes one step at a time, and its customer gets one mail when it is ready', async () => {
    const { order_id } = (await expectStatus(order([{ food_id: place.food_id, quantity: 1 }]), 201)).json
    const kitchen = await withRole('kitchen', place.restaurant_id)
    const { ticket_id } = await waitFor('the ticket', async () => {
      const { status, json } = await kitchen.get(`/api/kitchen/tickets/order/${order_id}`)
      return status === 200 && json
    })
    const step = (status: string) =>
      kitchen.send('PATCH', `/api/kitchen/tickets/${ticket_id}/status`, { status })
    for (const status of ['READY', 'DELIVERED']) expect((await step(status)).status).toBe(409)
    for (const status of ['DONE', 'ready', '', null]) expect((await step(status as string)).status).toBe(400)
    await expectStatus(step('PREPARING'), 200)
    const ready = await Promise.all(Array.from({ length: 5 }, () => step('READY')))
    expect(new Set(ready.map(({ status }) => status))).toEqual(new Set([200]))
    const mailsOfOrder = async () =>
      (await platform.mailsTo(customer.email)).filter(
        ({ MessageID }) => MessageID === `order-ready-${order_id}@restman`,
      )
    await waitFor('the mail', async () => (await mailsOfOrder()).length > 0)
    await expectStatus(step('DELIVERED'), 200)
    await waitFor('the order', async () => {
      const { json } = await customer.get(`/api/orders/${order_id}`)
      return json.status === 'delivered'
    })
    expect(await mailsOfOrder()).toHaveLength(1)
  })
})

describe('an order that two want to decide', () => {
  let owner: Person
  let customer: Person
  beforeAll(async () => {
    owner = await withRole('owner')
    customer = await signIn()
  })
  const orderOf = async (food_id: string, restaurant_id: string) => {
    const body = { restaurant_id, items: [{ food_id, quantity: 1 }] }
    return (await expectStatus(customer.send('POST', '/api/orders', body), 201)).json.order_id as string
  }

  test('is cooked or cancelled, never both, and everybody hears the same', async () => {
    const place = await openRestaurant(owner)
    for (let round = 0; round < 4; round++) {
      const order_id = await orderOf(place.food_id, place.restaurant_id)
      const ticket = () => owner.get(`/api/kitchen/tickets/order/${order_id}`)
      const { ticket_id } = await waitFor('the ticket', async () => {
        const { status, json } = await ticket()
        return status === 200 && json
      })
      const path = `/api/kitchen/tickets/${ticket_id}/status`
      const [cancel, cook] = await Promise.all([
        customer.send('POST', `/api/orders/${order_id}/cancel`),
        owner.send('PATCH', path, { status: 'PREPARING' }),
      ])

      expect([cancel.status, cook.status].sort()).toEqual([200, 409])
      const isCooked = cook.status === 200
      await waitFor('all of them to know', async () => {
        const bill = await customer.get(`/api/billing/bills/order/${order_id}`)
        const order = await customer.get(`/api/orders/${order_id}`)
        const known = [order.json.status, (await ticket()).json.status, bill.json.payment_status]
        return known.join() === (isCooked ? 'preparing,PREPARING,unpaid' : 'cancelled,CANCELLED,cancelled')
      })
    }
  })

  test('is one that a customer cancels in nobody else’s name', async () => {
    const place = await openRestaurant(owner)
    const order_id = await orderOf(place.food_id, place.restaurant_id)
    const path = `/api/orders/${order_id}/cancel`
    const forged = await customer.send('POST', path, { reason: 'restaurant' })
    expect(forged).toMatchObject({ status: 400, json: { errors: [{ field: 'reason' }] } })
    expect((await customer.send('POST', path)).json).toMatchObject({ reason: 'customer' })
  })
})

/** Of all services: one that makes its document for the first time, on a busy machine, can be missing at first. */
const mergedDocument = (): Promise<OpenApi> =>
  waitFor('the document of every service', async () => {
    const { json } = await callUrl('GET', `${gateway}/docs/json`)
    return !json.info.description.includes('Missing') && json
  })

describe('every route', () => {
  /** A stranger has the role, and nothing to do with the restaurant or the order. */
  let people: { name: string; role: Role; person: Person; isStranger: boolean; restaurant_id?: string }[]
  let ids: Ids
  const documents: { url: string; document: OpenApi; isDirect: boolean }[] = []

  beforeAll(async () => {
    const [owner, otherOwner, customer, otherCustomer] = await Promise.all([
      withRole('owner'),
      withRole('owner'),
      signIn(),
      signIn(),
    ])
    const place = await openRestaurant(owner)
    const other = await openRestaurant(otherOwner)
    const [kitchen, otherKitchen] = await Promise.all([
      withRole('kitchen', place.restaurant_id),
      withRole('kitchen', other.restaurant_id),
    ])
    const order = { restaurant_id: place.restaurant_id, items: [{ food_id: place.food_id, quantity: 2 }] }
    const placed = await expectStatus(customer.send('POST', '/api/orders', order), 201)
    const { order_id } = placed.json
    const bill = await waitFor('the bill', async () => {
      const { status, json } = await customer.get(`/api/billing/bills/order/${order_id}`)
      return status === 200 && json
    })
    const ticket = await waitFor('the ticket', async () => {
      const { json } = await kitchen.get('/api/kitchen/tickets')
      return json.find?.((one: { order_id: string }) => one.order_id === order_id)
    })
    ids = {
      ...place,
      order_id,
      bill_id: bill.bill_id,
      ticket_id: ticket.ticket_id,
      user_id: customer.user_id,
      job: 'clean',
      day: '2026-01-01',
    }
    people = [
      { name: 'customer', role: 'customer', person: customer, isStranger: false },
      { name: 'other customer', role: 'customer', person: otherCustomer, isStranger: true },
      { name: 'owner', role: 'owner', person: owner, isStranger: false },
      { name: 'other owner', role: 'owner', person: otherOwner, isStranger: true },
      {
        name: 'kitchen',
        role: 'kitchen',
        person: kitchen,
        isStranger: false,
        restaurant_id: place.restaurant_id,
      },
      {
        name: 'other kitchen',
        role: 'kitchen',
        person: otherKitchen,
        isStranger: true,
        restaurant_id: other.restaurant_id,
      },
      { name: 'admin', role: 'admin', person: await platform.admin(), isStranger: false },
    ]
    documents.push({
      url: gateway,
      document: await mergedDocument(),
      isDirect: false,
    })
    for (const { name, url } of Object.values(platform.part.services))
      if (name !== 'gateway')
        documents.push({ url, document: (await callUrl('GET', `${url}/docs/json`)).json, isDirect: true })
  })

  const isPublic = ({ operation }: Route) => operation['x-roles']!.includes('anonymous')
  const signed = (identity: Identity, secret = SECRET, now = Date.now) => createSigner(secret, now)(identity)
  const titleOf = ({ method, path }: Route) => `${method} ${path}`

  test('is in the merged document, says who may call it, and is found in the document of its service', () => {
    const forPeople = ({ operation }: Route) => operation['x-roles']!.some((role) => role !== 'service')
    const routes = documents.map(({ document }) => routesOf(document).filter(forPeople).map(titleOf))
    const [all = [], ...services] = routes
    const merged = all.filter((title) => !title.endsWith('/health'))
    const outside = services.flat().filter((title) => title.includes(' /api/'))
    expect(merged.toSorted()).toEqual([...outside, 'GET /api/orders/{order_id}/why'].toSorted())
    expect(merged.length).toBeGreaterThanOrEqual(30)
    const silent = documents.flatMap(({ document }) =>
      Object.entries(document.paths).filter(
        ([path, methods]) =>
          path.startsWith('/api/') && Object.values(methods).some((one) => !one['x-roles']),
      ),
    )
    expect(silent).toEqual([])
  })

  test('is closed to who is not signed in, and to whom only headers speak for', async () => {
    const admin = { 'x-user-id': randomUUID(), 'x-user-email': 'a@example.com', 'x-user-role': 'admin' }
    const identity: Identity = { user_id: randomUUID(), email: 'a@example.com', role: 'admin' }
    const failures: string[] = []
    for (const { url, document, isDirect } of documents)
      for (const route of routesOf(document)) {
        if (!isDirect && isPublic(route)) continue
        const { method, path, body } = requestFor(route, document, ids)
        const forged = [
          {},
          admin,
          { ...admin, 'x-identity': 'admin' },
          signed(identity, `${SECRET}!`),
          signed(identity, SECRET, () => Date.now() - 31_000),
          ...(isDirect ? [] : [signed(identity), { authorization: 'Bearer ' }]),
        ]
        for (const headers of forged) {
          const { status } = await callUrl(method, `${url}${path}`, body, headers)
          if (status !== 401)
            failures.push(`${titleOf(route)} at ${url}: ${status} for ${JSON.stringify(headers)}`)
        }
      }
    expect(failures).toEqual([])
  })

  test('is for the roles it names, and tells a stranger nothing', async () => {
    const failures: string[] = []
    for (const { url, document, isDirect } of documents)
      for (const route of routesOf(document))
        for (const { name, role, person, isStranger, restaurant_id } of people) {
          if (isPublic(route)) continue
          const { method, path, body } = requestFor(route, document, ids)
          const roles = route.operation['x-roles']!
          const isAllowed = roles.includes(role)
          // What the rightful may do changes things: only what they read is tried.
          if (isAllowed && (!isStranger || !route.operation['x-own']) && method !== 'GET') continue
          const headers = isDirect
            ? signed({ user_id: person.user_id, email: person.email, role, restaurant_id })
            : { authorization: `Bearer ${person.token}` }
          const { status, json } = await callUrl(method, `${url}${path}`, body, headers)
          const isOwn = route.operation['x-own'] !== undefined
          const isList = method === 'GET' && !route.path.includes('{')
          const isHidden = isOwn && isStranger && !isList
          // A day that nobody has closed yet is there for nobody.
          const seen = path.includes(ids.day!) ? [200, 404] : [200]
          const expected = !isAllowed ? [403] : isHidden ? [403, 404] : seen
          const told = JSON.stringify(json ?? '')
          const secrets = [ids.bill_id!, ids.ticket_id!, people[0]!.person.email].filter(
            (id) => !path.includes(id),
          )
          const leaks = isStranger ? secrets.filter((secret) => told.includes(secret)) : []
          if (!expected.includes(status) || leaks.length > 0)
            failures.push(
              `${titleOf(route)} at ${url} as ${name}: ${status}, not ${expected}; leaks ${leaks} ${told.slice(0, 120)}`,
            )
        }
    expect(failures).toEqual([])
  })
})

describe('the Postman collection', () => {
  const folder = join(import.meta.dirname, '../postman')

  test('is made from the documents, and covers every route', async () => {
    const document = await mergedDocument()
    for (const [name, text] of Object.entries(postmanFiles(document)))
      expect(text, `${name}: run \`npm run lab -- restman postman\` beside a platform that runs`).toBe(
        readFileSync(join(folder, name), 'utf8'),
      )
  })

  test('is run by newman without a failure', async () => {
    const [collection, environment] = [
      'RestMan_Complete_API.postman_collection.json',
      'RestMan_Complete.postman_environment.json',
    ]
    const { apiUrl } = platform.part.servers.mail as { apiUrl: string }
    const report = join(mkdtempSync(join(tmpdir(), 'newman-')), 'report.json')
    onTestFinished(() => rmSync(dirname(report), { recursive: true }))
    const args = [
      'run',
      join(folder, collection),
      '-e',
      join(folder, environment),
      '--env-var',
      `gateway_url=${gateway}`,
      '--env-var',
      `mail_url=${apiUrl}`,
      '--reporters',
      'json',
      '--reporter-json-export',
      report,
      '--timeout-request',
      '15000',
    ]

    await promisify(execFile)(process.execPath, [NEWMAN, ...args]).catch(() => {
      // What failed is in the report.
    })

    const { run } = JSON.parse(readFileSync(report, 'utf8'))
    const failures = run.failures.map((failure: { source: { name: string }; error: { message: string } }) => [
      failure.source.name,
      failure.error.message,
    ])
    expect(failures).toEqual([])
    expect(run.stats.requests.total).toBeGreaterThanOrEqual(37)
    expect(run.stats.assertions.total).toBeGreaterThanOrEqual(37)
  })
})
