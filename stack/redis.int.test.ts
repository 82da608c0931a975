import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { within } from '@lab/kit/wait.ts'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  abortOnceStarted,
  localContext,
  localObstacle,
  newBase,
  openTestRun,
  processesOf,
} from './fixtures/lab.ts'
import { isPortFree } from './ports.ts'
import { openRunDir, type RunDir } from './run-dir.ts'
import { kindOf, type Servers, startServer } from './servers/index.ts'

const obstacle = await localObstacle('redis')

describe.skipIf(obstacle)(`private Redis ${obstacle ?? ''}`, () => {
  let run: RunDir
  let server: Servers['redis']
  beforeAll(async () => {
    run = await openRunDir()
    server = await startServer('redis', localContext(run))
  })
  afterAll(() => run.close())

  test('serves services, and nobody without a login', async () => {
    const client = await connect(server)
    await client.set('order:1', 'placed')
    expect(await client.get('order:1')).toBe('placed')

    await expect(client.flushAll()).rejects.toThrow('NOPERM')
    await expect(connect({ ...server, login: { username: 'default', password: '' } })).rejects.toThrow()
  })

  test('keeps what it acknowledged a moment before SIGKILL, transactions and scripts too, on the same port', async () => {
    const client = await connect(server)
    await client.multi().set('order:2', 'placed').rPush('events', 'placed').exec()
    await client.eval("redis.call('SET', KEYS[1], 'cooked') return redis.call('RPUSH', KEYS[2], 'cooked')", {
      keys: ['order:3', 'events'],
      arguments: [],
    })

    await server.control!.kill()
    expect(await isPortFree(server.port)).toBe(true)
    await server.control!.start()

    const again = await connect(server)
    expect(await again.mGet(['order:2', 'order:3'])).toEqual(['placed', 'cooked'])
    expect(await again.lRange('events', 0, -1)).toEqual(['placed', 'cooked'])
  })

  test('answers nothing while it is paused, and goes on with the same connection', async () => {
    const client = await connect(server)

    onTestFinished(() => server.control!.resume())
    await server.control!.pause()
    const answer = client.ping()
    await expect(within(answer, 300, 'an answer')).rejects.toThrow('waited 0.3 s')
    await server.control!.resume()

    expect(await within(answer, 10_000, 'the answer')).toBe('PONG')
  })

  test('can be stopped, and killed, while it is paused', async () => {
    await server.control!.pause()
    await server.control!.stop()
    await server.control!.start()
    await server.control!.pause()
    await server.control!.kill()
    await server.control!.start()

    expect(await (await connect(server)).ping()).toBe('PONG')
  })

  test('gives each part a database of its own and empties it', async () => {
    const [one, two] = await Promise.all([place(server), place(server)])
    await (await connect(one)).set('same', 'of one')
    await (await connect(two)).set('same', 'of two')

    expect(one.db).not.toBe(two.db)
    expect(kindOf(one).env(one).REDIS_DB).toBe(String(one.db))
    await one.close()

    expect(await (await connect(one)).dbSize()).toBe(0)
    expect(await (await connect(two)).get('same')).toBe('of two')
    await two.close()
  })

  test('on an external server takes no database with something in it, and empties none that is not its own', async () => {
    const env = { REDIS_URL: kindOf(server).env({ ...server, login: server.admin }).REDIS_URL }
    const external = await startServer('redis', { run, env, progress: () => {} })
    expect(external).toMatchObject({ origin: 'external', version: server.version })
    const inUse = await connect(external)
    await inUse.set('somebody', 'else')

    const taken = await place(external)
    const client = await connect(taken)
    expect(taken.db).not.toBe(external.db)
    await client.flushDb() // and with it the mark that it is ours
    await client.set('somebody', 'moved in')
    await taken.close()
    await external.close()

    expect(await client.get('somebody')).toBe('moved in')
    expect(await inUse.get('somebody')).toBe('else')
  })

  test('leaves no process, port or folder after close, and another one alone', async () => {
    const other = await startServer('redis', localContext(run))

    await Promise.all([server.close(), server.close()])
    expect(await (await connect(other)).ping()).toBe('PONG')
    await other.close()

    expect(processesOf(run)).toEqual([])
    expect(await isPortFree(server.port)).toBe(true)
    expect(readdirSync(run.path).filter((name) => name.startsWith('redis'))).toEqual([])
  })
})

describe.skipIf(obstacle)('private Redis with the ACL of a part', () => {
  test('gives its users their rights and no others', async () => {
    const acl = aclFile(
      'user default off ~* &* +@all\nuser app on >secret ~order:* &pizza_orders +@all -@dangerous\n',
    )
    const login = { username: 'app', password: 'secret' }
    const server = await startServer('redis', localContext(await openTestRun()), {
      acl: { file: acl, login },
    })

    const client = await connect(await place(server))
    await client.set('order:1', 'placed')

    await expect(client.set('other', 'x')).rejects.toThrow('NOPERM')
  })

  test('is refused when its closed default user would cost data', async () => {
    const acl = { file: aclFile('user default off\n'), login: { username: 'app', password: '' } }

    const starting = startServer('redis', localContext(await openTestRun()), { acl })

    await expect(starting).rejects.toThrow('user default off ~* &* +@all')
  })
})

test.skipIf(obstacle)('private Redis on abort leaves nothing', async () => {
  const run = await openTestRun()
  const stop = new AbortController()
  const starting = startServer('redis', localContext(run, stop.signal))
  await abortOnceStarted(run, 'redis', stop)

  await starting.catch(() => {}) // it may have been faster than the abort
  await run.close()

  expect(processesOf(run)).toEqual([])
  expect(existsSync(run.path)).toBe(false)
})

const place = (server: Servers['redis']) => kindOf(server).place(server, { part: 'test' })

function aclFile(text: string): string {
  const file = join(newBase(), 'users.acl')
  writeFileSync(file, text)
  return file
}

/** Ends with the test; a lost connection is not made again. */
async function connect(server: Servers['redis']) {
  const client = createClient({
    url: kindOf(server).env(server).REDIS_URL!,
    socket: { reconnectStrategy: false },
  })
  client.on('error', () => {
    // The call that waits fails too.
  })
  onTestFinished(() => {
    if (client.isOpen) client.destroy()
  })
  await client.connect()
  return client
}
