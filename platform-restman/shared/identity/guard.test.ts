import { Faults } from '@lab/kit/faults.ts'
import { createHttpApp, type RoutePlugin } from '@lab/kit/http.ts'
import { createLog } from '@lab/kit/log.ts'
import { createMetrics } from '@lab/kit/metrics.ts'
import { expect, onTestFinished, test } from 'vitest'
import { access, guarded, identityOf } from './guard.ts'
import { createServiceSigner, createSigner, type Role } from './identity.ts'

const SECRET = 'a-secret-of-thirty-two-characters'

async function openApp(routes: RoutePlugin) {
  const app = await createHttpApp({
    part: 'test',
    service: 'test',
    description: 'test',
    faults: new Faults(),
    log: createLog('test', 'silent'),
    metrics: createMetrics('test'),
  })
  onTestFinished(() => app.close())
  await app.register(guarded(SECRET, routes))
  return app
}

const as = (role: Role) => createSigner(SECRET)({ user_id: '1', email: 'a@example.com', role })

test('a route is for the roles it names, and for nobody who is not signed', async () => {
  const app = await openApp(async (scope) => {
    scope.get('/menu', { schema: { tags: [], ...access(['owner']) } }, async (request) => identityOf(request))
    scope.get('/sign-in', { schema: { tags: [], ...access(['anonymous']) } }, async () => 'in')
    scope.get(
      '/quote',
      { schema: { tags: [], ...access(['service']) } },
      async (request) => identityOf(request).user_id,
    )
  })
  const status = async (url: string, headers: Record<string, string> = {}) =>
    (await app.inject({ url, headers })).statusCode

  expect(await status('/menu')).toBe(401)
  expect(await status('/menu', { 'x-user-id': '1', 'x-user-role': 'owner' })).toBe(401)
  expect(await status('/menu', as('customer'))).toBe(403)
  expect(await status('/menu', as('owner'))).toBe(200)
  expect(await status('/menu', as('admin'))).toBe(200)
  expect(await status('/sign-in')).toBe(401)
  expect(await status('/sign-in', as('anonymous'))).toBe(200)
  expect(await status('/quote', as('admin'))).toBe(403)
  expect(await status('/quote', createServiceSigner(SECRET, 'order-service')())).toBe(200)
  expect((await app.inject({ url: '/menu', headers: as('owner') })).json()).toMatchObject({ role: 'owner' })
})

test('a route that does not say who may call it is a fault of the start', async () => {
  await expect(openApp(async (scope) => void scope.get('/menu', async () => 'soup'))).rejects.toThrow(
    'GET /menu does not say who may call it',
  )
})
