import { expect, onTestFinished, test } from 'vitest'
import { Faults } from './faults.ts'
import { createHttpApp } from './http.ts'
import { createLog } from './log.ts'
import { createMetrics } from './metrics.ts'

const PAGE = 'http://localhost:5173'

async function open(cors?: { origins: string[]; exposed?: string[] }) {
  const app = await createHttpApp({
    part: 'kit',
    service: 'test',
    description: 'A test.',
    faults: new Faults(),
    cors,
    log: createLog('test', 'silent'),
    metrics: createMetrics('test'),
  })
  onTestFinished(() => app.close())
  app.post('/orders', async () => ({}))
  return app
}
const preflight = { origin: PAGE, 'access-control-request-method': 'POST' }

test('a page of an allowed origin may call, and read what is exposed', async () => {
  const app = await open({ origins: [PAGE], exposed: ['age'] })
  const asked = await app.inject({ method: 'OPTIONS', url: '/orders', headers: preflight })
  expect(asked.statusCode).toBe(204)
  expect(asked.headers).toMatchObject({
    'access-control-allow-origin': PAGE,
    'access-control-allow-methods': 'GET, HEAD, POST',
  })
  const answer = await app.inject({ method: 'POST', url: '/orders', headers: { origin: PAGE } })
  expect(answer.headers).toMatchObject({
    'access-control-allow-origin': PAGE,
    'access-control-expose-headers': 'age',
  })
})

test.each([[{ origins: [PAGE] }], [undefined]])('a page of another origin may not: %j', async (cors) => {
  const app = await open(cors)
  const headers = { ...preflight, origin: 'http://evil.example' }
  for (const method of ['OPTIONS', 'POST'] as const) {
    const answer = await app.inject({ method, url: '/orders', headers })
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
  }
})

test('paths and methods are told apart as without it', async () => {
  const app = await open({ origins: [PAGE] })
  const statusOf = async (method: 'GET' | 'OPTIONS', url: string) =>
    (await app.inject({ method, url })).statusCode
  expect(await statusOf('GET', '/nothing')).toBe(404)
  expect(await statusOf('OPTIONS', '/nothing')).toBe(404)
  expect(await statusOf('GET', '/orders')).toBe(405)
  expect((await app.inject({ method: 'OPTIONS', url: '/orders' })).headers.allow).toBe('OPTIONS, POST')
})
