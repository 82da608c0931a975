import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog } from '@lab/kit/log.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { buildApp } from './app.ts'

const host = '127.0.0.1:8400'
const own = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }

describe('the server of the live page', () => {
  test.each([
    ['its own page', own, 200],
    ['a program of this machine', { host }, 200],
    [
      'a page of another origin',
      { host, origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' },
      403,
    ],
    [
      'another port of this machine',
      { host, origin: 'http://127.0.0.1:9999', 'sec-fetch-site': 'same-site' },
      403,
    ],
    ['a name that was made to lead here', { host: 'evil.example' }, 403],
    [
      'a script of another origin that hides its origin',
      { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
      403,
    ],
  ])('answers GET /api/parts of %s', async (_who, headers, status) => {
    const app = await setup()
    expect((await app.inject({ url: '/api/parts', headers })).statusCode).toBe(status)
  })

  test('lets a link from elsewhere lead to it', async () => {
    const app = await setup()
    const headers = {
      host,
      accept: 'text/html',
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
    }
    expect((await app.inject({ url: '/', headers })).statusCode).toBe(200)
  })

  test.each([
    ['without a token, from its own page', undefined, own, 'open'],
    ['without a token, through a proxy', undefined, { ...own, 'x-forwarded-for': '10.0.0.1' }, 'closed'],
    ['with a token', 'secret', own, 'token'],
  ])('says what may be done %s', async (_how, adminToken, headers, commands) => {
    const app = await setup(adminToken)
    expect((await app.inject({ url: '/api/parts', headers })).json()).toMatchObject({ commands })
  })

  test('shows no password of a broker', async () => {
    const app = await setup()
    const { body } = await app.inject({ url: '/api/parts', headers: own })
    expect(body).toContain('http://127.0.0.1:15672')
    expect(body).not.toContain('secret')
  })

  test('gives no command to whoever has not the token', async () => {
    const app = await setup('secret')
    const switching = { part: 'async-rabbitmq', name: 'order-service', action: 'fail' }
    const send = (authorization?: string) =>
      app.inject({
        method: 'POST',
        url: '/admin/switches',
        headers: { ...own, ...(authorization && { authorization }) },
        payload: switching,
      })

    expect((await send()).statusCode).toBe(401)
    // Behind the door, the service that is asked does not run.
    expect((await send('Bearer secret')).statusCode).toBe(409)
  })
})

async function setup(adminToken?: string) {
  const dir = mkdtempSync(join(tmpdir(), 'live-page-test-'))
  writeFileSync(join(dir, 'index.html'), '<!doctype html>')
  const app = await buildApp({
    service: 'live',
    log: createLog('live', 'silent'),
    page: { PAGE_DIR: dir },
    deskFolder: dir,
    parts: [
      {
        name: 'async-rabbitmq',
        style: 'RabbitMQ topic exchange',
        isTrio: true,
        services: { 'order-service': 'http://127.0.0.1:1' },
        servers: {
          rabbitmq: {
            amqpUrl: 'amqp://guest:secret@127.0.0.1/lab',
            managementUrl: 'http://127.0.0.1:15672',
            vhost: 'lab',
          },
        },
      },
    ],
    door: { adminToken },
  })
  onTestFinished(async () => {
    await app.close()
    rmSync(dir, { recursive: true })
  })
  return app
}
