import { localObstacle } from '@lab/stack/fixtures/lab.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Api, openPlatform, type Platform, WAY } from './platform.ts'

const obstacle = await localObstacle('redis')

/** The middle of how long it takes, in turn so that both meet the same machine. */
async function medians(times: number, ...works: (() => Promise<unknown>)[]): Promise<number[]> {
  const taken = works.map((): number[] => [])
  for (let turn = 0; turn < times; turn++) {
    for (const [at, work] of works.entries()) {
      const from = performance.now()
      await work()
      taken[at]!.push(performance.now() - from)
    }
  }
  return taken.map((ms) => ms.toSorted((a, b) => a - b)[ms.length >> 1]!)
}

describe.skipIf(obstacle)('performance', () => {
  let full: Platform
  let empty: Platform
  const apis = () => [new Api(empty.url), new Api(full.url)] as const

  beforeAll(async () => {
    ;[empty, full] = await Promise.all([openPlatform(), openPlatform()])
    const api = new Api(full.url)
    for (let at = 0; at < 40; at++) {
      const orders = await Promise.all(Array.from({ length: 50 }, () => api.create()))
      const moved = orders
        .slice(0, 25)
        .map(({ id }) => ({ event_type: 'order.supplier_accepted', order_id: id }))
      await api.batch(moved)
    }
  })
  afterAll(() => Promise.all([empty?.close(), full?.close()]))

  test('a batch of two hundred events takes less than half of what they take one by one', async () => {
    const api = new Api(full.url)
    const make = () => Promise.all(Array.from({ length: 200 }, () => api.create()))
    const [one, other] = [await make(), await make()]
    const events = one.map(({ id }) => ({ event_type: 'order.supplier_accepted', order_id: id }))
    const [batch, steps] = await medians(
      1,
      () => api.batch(events),
      async () => {
        for (const { id } of other) await api.step(id, WAY[0]![1])
      },
    )
    expect(batch! / steps!).toBeLessThan(0.5)
  })

  test('a state, an order and a change take the same whether there are two thousand orders or none', async () => {
    const [none, many] = apis()
    const { id } = await many.create()
    const lone = await none.create()
    const ratios: Record<string, number> = {}
    const compare = async (what: string, ask: (api: Api, id: string) => Promise<unknown>) => {
      const [few, lots] = await medians(
        100,
        () => ask(none, lone.id),
        () => ask(many, id),
      )
      ratios[what] = lots! / few!
    }
    await compare('state', (api) => api.get('/api/state?limit=10'))
    await compare('order', (api, id) => api.get(`/api/orders/${id}`))
    await compare('change', (api) => api.create())
    for (const [what, ratio] of Object.entries(ratios))
      expect([what, ratio < 3, ratio]).toEqual([what, true, ratio])
  })
})
