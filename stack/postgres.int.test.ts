import { existsSync, readdirSync } from 'node:fs'
import { within } from '@lab/kit/wait.ts'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  abortOnceStarted,
  localContext,
  localObstacle,
  newBase,
  openTestRun,
  processesOf,
} from './fixtures/lab.ts'
import { killRunner, startRunner } from './fixtures/runners.ts'
import { isPortFree } from './ports.ts'
import { openRunDir, type RunDir } from './run-dir.ts'
import { kindOf, type Servers, startServer } from './servers/index.ts'

const obstacle = await localObstacle('postgres')

describe.skipIf(obstacle)(`private PostgreSQL ${obstacle ?? ''}`, () => {
  let run: RunDir
  let server: Servers['postgres']
  beforeAll(async () => {
    run = await openRunDir()
    server = await startServer('postgres', localContext(run))
  })
  afterAll(() => run.close())

  test('serves with serializable transactions in UTC, and nobody without the password', async () => {
    const client = await connect(server.url)
    const { rows } = await client.query(
      "select current_setting('transaction_isolation') as isolation, current_setting('timezone') as zone, current_database() as name",
    )
    expect(rows).toEqual([{ isolation: 'serializable', zone: 'UTC', name: 'defaultdb' }])

    await expect(connect(server.url.replace(/:[^:@]+@/, ':guess@'))).rejects.toThrow('password')
  })

  test('keeps what was committed through SIGKILL, on the same port', async () => {
    const client = await connect(server.url)
    await client.query('create table kept (id int primary key)')
    await client.query('insert into kept values (1)')

    await server.control!.kill()
    expect(await isPortFree(portOf(server.url))).toBe(true)
    await server.control!.start()

    const { rows } = await (await connect(server.url)).query('select id from kept')
    expect(rows).toEqual([{ id: 1 }])
  })

  test('answers nothing while it is paused, and goes on with the same connection', async () => {
    const client = await connect(server.url)

    onTestFinished(() => server.control!.resume())
    await server.control!.pause()
    const answer = client.query('select 1')
    await expect(within(answer, 300, 'an answer')).rejects.toThrow('waited 0.3 s')
    await server.control!.resume()

    await within(answer, 10_000, 'the answer')
  })

  test('can be stopped while a client idles and it is paused, and killed then', async () => {
    await connect(server.url)
    await server.control!.pause()
    await server.control!.stop()
    await server.control!.start()
    await connect(server.url)
    await server.control!.pause()
    await server.control!.kill()
    await server.control!.start()

    await (await connect(server.url)).query('select 1')
  })

  test('gives each service of a part a database that no other may enter, and drops them', async () => {
    const options = { part: 'platform', services: ['order-service', 'kitchen-service'] }
    const [one, two] = await Promise.all([
      kindOf(server).place(server, options),
      kindOf(server).place(server, options),
    ])
    const urlOf = (service: string) => kindOf(one).env(one, service).DATABASE_URL!
    const order = await connect(urlOf('order-service'))
    await order.query('create table orders (id uuid primary key default gen_random_uuid())')

    const foreign = new URL(urlOf('order-service'))
    foreign.pathname = new URL(urlOf('kitchen-service')).pathname
    await expect(connect(foreign.href)).rejects.toThrow('permission denied')
    await expect(order.query('create database more')).rejects.toThrow('permission denied')
    const before = await databasesOf(server)
    await one.close()

    const after = await databasesOf(server)
    expect(before.length - after.length).toBe(3)
    await (await connect(two.url)).query('select 1')
    await two.close()
    expect((await databasesOf(server)).toSorted()).toEqual(['defaultdb', 'postgres'])
  })

  test('uses an external server as it is, with places that tell whose they are', async () => {
    const external = await startServer('postgres', {
      run,
      env: { DATABASE_URL: server.url },
      progress: () => {},
    })
    const place = await kindOf(external).place(external, { part: 'test', services: ['one'] })

    expect(external).toMatchObject({ origin: 'external', version: server.version })
    expect((await databasesOf(server)).filter((name) => name.startsWith('messaging-lab.'))).toHaveLength(2)
    await (await connect(place.services!.one!)).query('create table t (id int)')
    await place.close()
    await external.close()

    expect((await databasesOf(server)).toSorted()).toEqual(['defaultdb', 'postgres'])
  })

  test('leaves no process, port or folder after close', async () => {
    await connect(server.url)

    await Promise.all([server.close(), server.close()])

    expect(processesOf(run)).toEqual([])
    expect(await isPortFree(portOf(server.url))).toBe(true)
    expect(foldersOf(run.id)).toEqual([])
  })
})

describe.skipIf(obstacle)('private PostgreSQL that does not end in order', () => {
  test.each(['postgres-initdb', 'postgres'])(
    'leaves nothing of a start aborted while %s runs',
    async (name) => {
      const run = await openTestRun()
      const stop = new AbortController()
      const starting = startServer('postgres', localContext(run, stop.signal))
      await abortOnceStarted(run, name, stop)

      await starting.catch(() => {}) // it may have been faster than the abort
      await run.close()

      expect(processesOf(run)).toEqual([])
      expect(foldersOf(run.id)).toEqual([])
      expect(existsSync(run.path)).toBe(false)
    },
  )

  test('is swept with its folder when the runner was killed and it was paused', async () => {
    const base = newBase()
    const killed = await startRunner(base, 'postgres', { paused: true })
    await killRunner(killed.process)

    const next = await openRunDir({ base })
    onTestFinished(() => next.close())

    const [swept] = next.swept.swept
    expect(swept!.ended.length).toBeGreaterThan(3)
    expect(foldersOf(swept!.id)).toEqual([])
  })
})

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {
    // The call that waits fails too.
  })
  onTestFinished(() => client.end().catch(() => {})) // it may be gone already
  await client.connect()
  return client
}

async function databasesOf({ url }: Servers['postgres']): Promise<string[]> {
  const client = await connect(url)
  const { rows } = await client.query('select datname from pg_database where not datistemplate')
  await client.end()
  return rows.map(({ datname }) => datname)
}

const foldersOf = (runId: string) => readdirSync('/tmp').filter((name) => name.includes(runId))

const portOf = (url: string): number => Number(new URL(url).port)
