import { describe, expect, test } from 'vitest'
import { targetOf } from './route-map.ts'

const kindOf = (method: string, url: string) => targetOf(method, url)?.kind

describe('what is open to whoever has no session', () => {
  test('is two routes of the auth service, and the health of each service', () => {
    expect(kindOf('POST', '/api/auth/request-otp')).toBe('public')
    expect(kindOf('POST', '/api/auth/verify-otp?x=1')).toBe('public')
    for (const word of ['auth', 'restaurants', 'orders', 'kitchen', 'billing', 'analytics'])
      expect(kindOf('GET', `/api/${word}/health`)).toBe('health')
  })

  test.each([
    ['GET', '/api/auth/request-otp'],
    ['POST', '/api/orders/health'],
    ['GET', '/api/auth/me'],
    ['GET', '/api/orders/1/health'],
    ['POST', '/api/auth/verify-otp/health'],
    ['GET', '/api/orders?/health'],
    ['GET', '/api/orders?x=/api/auth/verify-otp'],
  ])('is not %s %s', (method, url) => {
    expect(kindOf(method, url)).toBe('private')
  })

  test.each([
    '/api/auth/../orders',
    '/api/auth/%2e%2e/orders',
    '/api/orders%2fhealth',
    '/api//orders',
    '/api/orders/',
    '/API/orders',
    '/api/orders;/health',
    '/api/orders#/health',
    '/api\\orders',
    '/api/nowhere',
    '/api/constructor',
    '/api/__proto__',
    '/internal/foods/quote',
    '//api/orders',
    'http://127.0.0.1/api/orders',
  ])('is not, nor is anything, %s', (url) => {
    expect(targetOf('GET', url)).toBeUndefined()
  })
})
