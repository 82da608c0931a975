import { localObstacle } from '@lab/stack/fixtures/lab.ts'
import { freePorts } from '@lab/stack/ports.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientOf } from '../redis/connect.ts'
import { run as diagnose } from '../tools/diagnose-redis.ts'
import { run as inspect } from '../tools/inspect-redis.ts'
import { run as testRedis } from '../tools/test-redis.ts'
import { Api, acl, lookInto, openPlatform, type Platform } from './platform.ts'

const obstacle = await localObstacle('redis')
const tools = { test: testRedis, diagnose, inspect }

describe.skipIf(obstacle)('the tools', () => {
  let platform: Platform
  let env: Record<string, string>

  beforeAll(async () => {
    platform = await openPlatform()
    const { host, port } = platform.redis
    const { username, password } = acl.login
    env = {
      REDIS_HOST: host,
      REDIS_PORT: String(port),
      REDIS_USERNAME: username,
      REDIS_PASSWORD: password,
      REDIS_TIMEOUT_MS: '500',
    }
    env.REDIS_DB = String(platform.part.servers.redis!.db)
  })
  afterAll(() => platform?.close())

  async function use(tool: keyof typeof tools, over: Record<string, string> = {}, args: string[] = []) {
    const lines: string[] = []
    const note = (line: string) => void lines.push(line)
    const io = { env: { ...env, ...over }, signal: new AbortController().signal, print: note, say: note }
    return { code: await tools[tool](args, io), text: lines.join('\n') }
  }

  test.each(['test', 'diagnose'] as const)('%s finds nothing wrong where all is well', async (tool) => {
    const { code, text } = await use(tool)
    expect(text).not.toContain('❌')
    expect(code).toBe(0)
  })

  test('diagnose tells latency, persistence and rights', async () => {
    const { text } = await use('diagnose')
    expect(text).toMatch(/200 pings, p50 \d+ µs, p99 \d+ µs/)
    expect(text).toContain('append only file on')
    expect(text).toContain('and no more than it needs')
  })

  test.each([
    [{ REDIS_PASSWORD: 'wrong' }, 'REDIS_USERNAME or REDIS_PASSWORD is wrong'],
    [{ REDIS_PASSWORD: '' }, 'asks for a password and none was given'],
    [{ REDIS_HOST: 'nowhere.invalid' }, 'no such host'],
    [{ REDIS_DB: '99' }, 'REDIS_DB'],
  ])('diagnose and test name the likely cause where %j', async (over, cause) => {
    for (const tool of ['diagnose', 'test'] as const) {
      const { code, text } = await use(tool, over)
      expect(text, tool).toContain(cause)
      expect([tool, code]).toEqual([tool, 1])
    }
  })

  test('diagnose names a port where nobody listens, and rights that are missing', async () => {
    const [port] = await freePorts(1)
    expect((await use('diagnose', { REDIS_PORT: String(port) })).text).toContain('nothing listens there')
    const inside = await lookInto(platform)
    await inside.sendCommand([
      'ACL',
      'SETUSER',
      'poor',
      'on',
      '>poor',
      '~order:*',
      '+@connection',
      '+get',
      '+info',
    ])
    inside.destroy()
    const { code, text } = await use('diagnose', { REDIS_USERNAME: 'poor', REDIS_PASSWORD: 'poor' })
    expect(text).toContain('may not run scripts')
    expect(text).toContain('redis/users.acl')
    expect(code).toBe(1)
  })

  test('test and diagnose say it of a Redis that hangs', async () => {
    await platform.redis.control!.pause()
    const said = [await use('test'), await use('diagnose')]
    await platform.redis.control!.resume()
    for (const { code, text } of said) {
      expect(text).toContain('nobody answers')
      expect(code).toBe(1)
    }
  })

  test('inspect shows orders, stream and memory as tables', async () => {
    const api = new Api(platform.url)
    const order = await api.orderAt('dispatched')
    const { host, port, db } = platform.part.servers.redis!
    const url = `redis://${acl.login.username}:${acl.login.password}@${host}:${port}/${db}`
    const { code, text } = await use('inspect', { REDIS_PASSWORD: 'from the URL' }, ['--url', url])
    expect(code).toBe(0)
    expect(text).toMatch(/^ {2}dispatched +1$/m)
    expect(text).toContain(order.id)
    expect(text).toMatch(/last seq +6/)
    expect(text).toMatch(/used +[\d.]+M/)
  })

  test.each([['--url', 'http://x'], ['--colour'], ['more']])(
    'a wrong use is told how it is used: %s %s',
    async (...args) => {
      const { code, text } = await use('test', {}, args.filter(Boolean))
      expect(code).toBe(2)
      expect(text).toContain('Usage: npm run lab -- redis test')
    },
  )

  test('the platform may do what it needs, and neither see nor empty what is not its own', async () => {
    const values = {
      ...env,
      REDIS_PORT: platform.redis.port,
      REDIS_DB: platform.redis.db,
      REDIS_TLS: false,
      REDIS_TIMEOUT_MS: 500,
    }
    const client = clientOf(values as never, 'test')
    client.on('error', () => {})
    await client.connect()
    const refused = [
      ['FLUSHALL'],
      ['FLUSHDB'],
      ['KEYS', '*'],
      ['SCAN', '0'],
      ['CONFIG', 'GET', '*'],
      ['DEL', 'orders:all'],
      ['SHUTDOWN'],
      ['GET', 'session:1'],
      ['SET', 'other', '1'],
      ['PUBLISH', 'other', '1'],
      ['SUBSCRIBE', '__keyevent@0__:expired'],
      ['ACL', 'LIST'],
      ['EVAL', "return redis.call('KEYS', '*')", '0'],
    ]
    for (const command of refused)
      await expect(client.sendCommand(command), command.join(' ')).rejects.toThrow(
        /NOPERM|permission|user executing/,
      )
    client.destroy()
    const anybody = clientOf({ ...values, REDIS_USERNAME: 'default', REDIS_PASSWORD: '' } as never, 'test', {
      comesBack: false,
    })
    anybody.on('error', () => {})
    await expect(anybody.connect()).rejects.toThrow()
  })
})
