import { describe, expect, test } from 'vitest'
import { call, ordersOf, type Pipeline, place } from '../pipeline.ts'

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

    test('fails every order while the order service is told to, and stores none of them', async () => {
      const before = await ordersOf(pipeline())
      await call('POST', `${pipeline().order.url}/admin/fail`, { enabled: true })
      const answer = await place(pipeline(), { item: 'salad', quantity: 1 })
      await call('DELETE', `${pipeline().order.url}/admin/faults`)

      expect(answer.status).toBe(500)
      expect(answer.json.code).toBe('LAB_FAULT_INJECTED')
      expect(await ordersOf(pipeline())).toHaveLength(before.length)
    })
  })
}
