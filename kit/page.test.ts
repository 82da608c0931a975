import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import pino from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Faults } from './faults.ts'
import { createHttpApp } from './http.ts'
import { createMetrics } from './metrics.ts'
import { type PageOptions, pageRoutes } from './page.ts'

const HTML = '<!doctype html><title>Page</title>'
const SCRIPT = 'console.log("page")\n'.repeat(20)

function builtPage(): string {
  const dir = mkdtempSync(join(tmpdir(), 'lab-page-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  mkdirSync(join(dir, 'assets'))
  writeFileSync(join(dir, 'index.html'), HTML)
  writeFileSync(join(dir, 'assets/index-A1b2.js'), SCRIPT)
  writeFileSync(join(dir, 'assets/index-A1b2.js.br'), brotliCompressSync(SCRIPT))
  writeFileSync(join(dir, 'assets/index-A1b2.js.gz'), gzipSync(SCRIPT))
  writeFileSync(`${dir}.secret`, 'not for the page')
  onTestFinished(() => rmSync(`${dir}.secret`))
  return dir
}

async function open(options: Partial<PageOptions> = {}) {
  const deps = {
    part: 'a-part',
    service: 'page',
    description: 'A page',
    faults: new Faults(),
    hasPage: true,
    log: pino({ level: 'silent' }),
  }
  const app = await createHttpApp({ ...deps, metrics: createMetrics('page') })
  const dir = options.dir ?? builtPage()
  await app.register(pageRoutes({ dir, ...options }))
  app.get('/health', async () => ({ status: 'ok' }))
  onTestFinished(() => app.close())
  const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers })
  return { app, get, dir }
}

const asBrowser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

describe('a built page', () => {
  test('is asked for again each time, and not sent again when it is the same', async () => {
    const { get } = await open()
    const first = await get('/')
    expect(first.body).toBe(HTML)
    expect(first.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
    })

    const again = await get('/', { 'if-none-match': first.headers.etag as string })
    expect(again.statusCode).toBe(304)
    expect(again.body).toBe('')
    expect(again.headers['content-security-policy']).toBe(first.headers['content-security-policy'])
  })

  test('lets browsers keep the files whose names change with their content', async () => {
    const { get } = await open()
    const script = await get('/assets/index-A1b2.js')
    expect(script.body).toBe(SCRIPT)
    expect(script.headers).toMatchObject({
      'content-type': expect.stringContaining('javascript'),
      'cache-control': 'public, max-age=31536000, immutable',
      etag: expect.any(String),
    })
  })

  test.each([
    ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
    ['br;q=0, gzip', 'gzip', gunzipSync],
  ] as const)(
    'sends to a browser that takes %s the file as the build compressed it',
    async (accepts, encoding, unpack) => {
      const { get } = await open()
      const script = await get('/assets/index-A1b2.js', { 'accept-encoding': accepts })
      expect(unpack(script.rawPayload).toString()).toBe(SCRIPT)
      expect(script.headers).toMatchObject({
        'content-encoding': encoding,
        'content-type': expect.stringContaining('javascript'),
        'cache-control': 'public, max-age=31536000, immutable',
        vary: expect.stringMatching(/accept-encoding/i),
      })
    },
  )

  test('says what may be kept and how in a plain answer too, for caches on the way', async () => {
    const { get } = await open()
    expect((await get('/assets/index-A1b2.js')).headers.vary).toMatch(/accept-encoding/i)
  })

  test('answers HEAD as GET, without the body', async () => {
    const { app, get } = await open()
    for (const url of ['/', '/assets/index-A1b2.js', '/config.json']) {
      const got = await get(url)
      const head = await app.inject({ method: 'HEAD', url })
      expect(head.statusCode).toBe(200)
      expect(head.body).toBe('')
      for (const name of [
        'content-type',
        'cache-control',
        'etag',
        'content-security-policy',
        'content-length',
      ])
        expect(head.headers[name], name).toBe(got.headers[name])
    }
  })

  test.each(['/tables/2', '/tables/2?from=mail', '/tables/'])(
    'is what a browser gets that goes to %s',
    async (url) => {
      const { get } = await open()
      const answer = await get(url, asBrowser)
      expect(answer).toMatchObject({ statusCode: 200, body: HTML })
      expect(answer.headers['cache-control']).toBe('no-cache')
    },
  )

  test.each([
    ['/assets/index-gone.js', asBrowser],
    ['/favicon.ico', asBrowser],
    ['/tables/2', { accept: 'application/json' }],
    ['/assets/index-A1b2.js.br', {}],
    ['/assets', {}],
    ['/%2e%2e%2fpasswd', {}],
    ['/..%2fetc/passwd', {}],
  ])('has no %s', async (url, headers) => {
    const { get } = await open()
    const answer = await get(url, headers)
    expect(answer.statusCode).toBe(404)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.body).not.toContain('not for the page')
  })

  test('reaches no file outside its folder', async () => {
    const { get, dir } = await open()
    const name = dir.split('/').at(-1)
    for (const url of [`/../${name}.secret`, `/..%2f${name}.secret`, `/assets/..%2f..%2f${name}.secret`]) {
      const answer = await get(url, asBrowser)
      expect(answer.body, url).not.toContain('not for the page')
    }
  })

  test('leaves the routes of the app as they are', async () => {
    const { app, get } = await open()
    expect((await get('/health')).json()).toEqual({ status: 'ok' })
    expect((await get('/docs/json')).json().paths).toEqual({ '/health': expect.anything() })
    const answer = await app.inject({ method: 'POST', url: '/tables/2' })
    expect(answer.json()).toMatchObject({ status: 405, code: 'LAB_METHOD_NOT_ALLOWED' })
  })

  test('runs no script but its own, and speaks to nobody but itself', async () => {
    const { get } = await open()
    const policy = (await get('/')).headers['content-security-policy'] as string
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(policy).toContain("connect-src 'self';")
    expect(policy).toContain("worker-src 'self';")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    expect((await get('/assets/index-A1b2.js')).headers['x-content-type-options']).toBe('nosniff')
  })

  test('may speak to the addresses that it is given, and to no path or password of theirs', async () => {
    const connect = ['ws://kitchen:secret@localhost:8083/mqtt', 'https://api.example/v1']
    const { get } = await open({ connect, worker: ['blob:'] })
    const policy = (await get('/')).headers['content-security-policy']
    expect(policy).toContain("connect-src 'self' ws://localhost:8083 https://api.example;")
    expect(policy).toContain("worker-src 'self' blob:;")
  })

  test('learns where it runs from /config.json, which nobody keeps', async () => {
    let url = 'ws://one'
    const { get } = await open({ config: () => ({ mqttUrl: url }) })
    expect((await get('/config.json')).json()).toEqual({ mqttUrl: 'ws://one' })
    url = 'ws://two'
    const later = await get('/config.json')
    expect(later.json()).toEqual({ mqttUrl: 'ws://two' })
    expect(later.headers['cache-control']).toBe('no-store')
  })

  test('may be in a folder that is named from where the service runs', async () => {
    const { get } = await open({ dir: relative(process.cwd(), builtPage()) })
    expect((await get('/')).body).toBe(HTML)
  })

  test('is refused when the folder holds none', async () => {
    const dir = builtPage()
    rmSync(join(dir, 'index.html'))
    await expect(open({ dir })).rejects.toThrow(`${dir} holds no index.html`)
  })
})
