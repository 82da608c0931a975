import { describe, expect, test } from 'vitest'
import { call, ordersOf, type Pipeline, place } from '../pipeline.ts'

interface Document {
  info: { title: string }
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, unknown> }
}

interface Operation {
  summary?: string
  tags?: string[]
  responses: Record<string, { content?: Record<string, unknown> }>
}

/** What every service of every part answers besides its business. */
export function servicesContract(pipeline: () => Pipeline): void {
  describe('every service', () => {
    const services = () => [pipeline().order, pipeline().inventory, pipeline().third]

    test('answers health, readiness, metrics and its OpenAPI document', async () => {
      for (const { url } of services()) {
        expect((await call('GET', `${url}/health`)).json).toMatchObject({
          status: 'ok',
          service: expect.any(String),
        })
        expect((await call('GET', `${url}/ready`)).json.ready).toBe(true)
        const metrics = await call('GET', `${url}/metrics`, undefined, { accept: 'text/plain' })
        expect(metrics.json).toContain('process_resident_memory_bytes')
        expect((await call('GET', `${url}/docs/json`)).json.paths).toHaveProperty(['/admin/delay'])
        expect((await call('GET', `${url}/docs`)).status).toBe(200)
      }
    })

    test('documents every route with a summary, a group and its errors, and no schema twice', async () => {
      const titles = new Set<string>()
      for (const { url } of services()) {
        const { info, paths, components }: Document = (await call('GET', `${url}/docs/json`)).json
        titles.add(info.title)
        for (const [path, operations] of Object.entries(paths)) {
          for (const [method, { summary, tags, responses }] of Object.entries(operations)) {
            const where = `${method} ${path}`
            expect(summary, where).toMatch(/\w/)
            expect(tags, where).toHaveLength(1)
            const declared = Object.keys(responses)
            expect(declared, where).toEqual(expect.arrayContaining(['400', '408', '414', '431', '500']))
            if (method !== 'get') expect(declared, where).toEqual(expect.arrayContaining(['413', '415']))
            for (const status of ['400', '500'])
              expect(Object.keys(responses[status]?.content ?? {}), where).toEqual([
                'application/problem+json',
              ])
          }
        }
        const schemas = Object.entries(components.schemas)
        expect(schemas.filter(([name]) => name.endsWith('Input'))).toEqual([])
        expect(new Set(schemas.map(([, schema]) => JSON.stringify(schema))).size).toBe(schemas.length)
      }
      expect(titles.size).toBe(services().length)
    })

    test('answers / with a page that links to its own routes and to the other services', async () => {
      for (const { url } of services()) {
        const { json, headers } = await call('GET', url, undefined, { accept: 'text/html' })
        expect(headers.get('content-type')).toContain('text/html')
        const links = [...String(json).matchAll(/href="([^"]+)"/g)].map(
          ([, link]) => new URL(link!, url).href,
        )
        const others = services().filter((service) => service.url !== url)
        expect(links).toEqual(expect.arrayContaining(others.map((service) => new URL(service.url).href)))
        for (const link of links) expect((await call('GET', link)).status, link).toBe(200)
      }
    })

    test('takes faults, shows them, and forgets them', async () => {
      for (const { url } of services()) {
        expect((await call('POST', `${url}/admin/delay`, { seconds: 0.01 })).status).toBe(200)
        expect((await call('POST', `${url}/admin/fail`, { enabled: true, ttl_seconds: 5 })).status).toBe(200)
        expect((await call('GET', `${url}/health`)).json.faults).toMatchObject({
          delay_seconds: 0.01,
          fail: true,
        })
        expect((await call('DELETE', `${url}/admin/faults`)).status).toBe(200)
        expect((await call('GET', `${url}/admin/faults`)).json).toMatchObject({
          delay_seconds: 0,
          fail: false,
        })
        expect((await call('POST', `${url}/admin/fail`, { enabled: 'yes' })).status).toBe(400)
      }
    })

    test('fails every order and every read while the order service is told to, and stores nothing', async () => {
      const before = await ordersOf(pipeline())
      const { url } = pipeline().order
      await call('POST', `${url}/admin/fail`, { enabled: true })
      const answers = [
        await place(pipeline(), { item: 'salad', quantity: 1 }),
        ...(await Promise.all(
          ['/orders', '/orders/x', '/orders/stream'].map((path) => call('GET', url + path)),
        )),
      ]
      const { json: health } = await call('GET', `${url}/health`)
      await call('DELETE', `${url}/admin/faults`)

      for (const answer of answers) {
        expect(answer.status).toBe(500)
        expect(answer.json.code).toBe('LAB_FAULT_INJECTED')
      }
      // Without a time of its own a fault holds.
      expect(health.faults).toMatchObject({ fail: true, expires_at: null })
      expect(await ordersOf(pipeline())).toHaveLength(before.length)
    })
  })
}
