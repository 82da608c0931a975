import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { waitFor } from '@lab/kit/wait.ts'
import { describe, expect, test } from 'vitest'
import { badOrders, badRequests } from '../builders.ts'
import type { Features } from '../features.ts'
import { call, decided, isReserved, ordersOf, type Pipeline, place } from '../pipeline.ts'

/** What cannot be understood is refused by name, or dead-lettered with its reason, and leaves nothing behind. */
export function badInputContract(features: Features, pipeline: () => Pipeline): void {
  describe('bad input', () => {
    test.each(badOrders)('$why is refused by name and leaves nothing behind', async ({ body, field }) => {
      const before = await ordersOf(pipeline())
      const answer = await call('POST', `${pipeline().order.url}/order`, body)

      expect(answer.status).toBe(400)
      expect(answer.json.errors.map((error: { field: string }) => error.field)).toContain(field)
      expect(await ordersOf(pipeline())).toHaveLength(before.length)
    })

    test.each(badRequests)('$why is refused', async ({ payload, contentType, statuses }) => {
      const before = await ordersOf(pipeline())
      const res = await fetch(`${pipeline().order.url}/order`, {
        method: 'POST',
        headers: contentType === undefined ? {} : { 'content-type': contentType },
        body: contentType === undefined ? new Blob([payload]) : payload,
      })

      expect(statuses).toContain(res.status)
      expect(await res.json()).toMatchObject({ code: expect.stringMatching(/^LAB_/), status: res.status })
      expect(await ordersOf(pipeline())).toHaveLength(before.length)
    })

    test('a wrong method is told the right ones', async () => {
      for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
        const answer = await call(method, `${pipeline().order.url}/order`, method === 'GET' ? undefined : {})
        expect(answer.status).toBe(405)
        expect(answer.headers.get('allow')).toBe('OPTIONS, POST')
      }
    })

    test('an encoded body is refused by the name of its encoding, chunked or not, by every service', async () => {
      const before = await ordersOf(pipeline())
      const { order, inventory, third } = pipeline()
      const body = gzipSync('{"item":"burger","quantity":1}')
      const chunked = Readable.toWeb(Readable.from([body]))
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
      const requests = [
        [`${order.url}/order`, { body }],
        [`${order.url}/order`, { body: chunked, duplex: 'half' }],
        ...[order, inventory, third].map(({ url }) => [`${url}/admin/delay`, { body: '{"seconds":0}' }]),
      ] as [string, RequestInit][]
      for (const [url, init] of requests) {
        const res = await fetch(url, { method: 'POST', headers, ...init })
        expect(res.status).toBe(415)
        expect(await res.json()).toMatchObject({
          code: 'LAB_CONTENT_ENCODING',
          detail: expect.stringContaining('gzip'),
        })
      }
      expect(await ordersOf(pipeline())).toHaveLength(before.length)
    })

    test('a query that nobody reads is refused by name', async () => {
      for (const { url } of [pipeline().order, pipeline().inventory, pipeline().third]) {
        const answer = await call('GET', `${url}/health?verbose=1`)
        expect(answer.status).toBe(400)
        expect(answer.json.errors).toMatchObject([{ field: 'verbose' }])
      }
    })
  })

  test.skipIf(!features.deadLetters)(
    'a poison message is dead-lettered with its reason and blocks nobody',
    async () => {
      const bodies = [
        'not json',
        '[]',
        '{"specversion":"1.0"}',
        `{"type":"OrderPlaced","data":{"quantity":-1}}`,
      ]
      for (const body of bodies) await pipeline().poison?.(body)
      const { json } = await place(pipeline(), { item: 'burger', quantity: 1 })

      expect(isReserved(await decided(pipeline(), json.order_id))).toBe(true)
      const letters = await waitFor('the dead letters', async () => {
        const letters = (await pipeline().deadLetters?.()) ?? []
        return bodies.every((body) => letters.some((letter) => letter.body === body)) && letters
      })
      for (const body of bodies)
        expect(letters.find((letter) => letter.body === body)?.reason).toMatch(/\w{3}/)
    },
  )
}
