import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { localContext, localObstacle, processesOf } from './fixtures/lab.ts'
import { isPortFree } from './ports.ts'
import { openRunDir, type RunDir } from './run-dir.ts'
import { kindOf, type Servers, startServer } from './servers/index.ts'

const obstacle = await localObstacle('clickhouse')

describe.skipIf(obstacle)(`private ClickHouse engine ${obstacle ?? ''}`, () => {
  let run: RunDir
  let server: Servers['clickhouse']
  beforeAll(async () => {
    run = await openRunDir()
    server = await startServer('clickhouse', localContext(run))
  })
  afterAll(() => run.close())

  test('serves the official client: ping, tables, inserts, parameters, decimals', async () => {
    const client = connect(server)
    expect(await client.ping()).toMatchObject({ success: true })
    await client.command({
      query:
        'CREATE TABLE sales (id String, price Decimal(10, 2), at DateTime64(3)) ENGINE = ReplacingMergeTree ORDER BY id',
    })
    const values = [{ id: "a'\\\tb", price: '12.50', at: '2026-11-28T10:00:00.123Z' }]
    await client.insert({ table: 'sales', values, format: 'JSONEachRow' })
    await client.insert({ table: 'sales', values, format: 'JSONEachRow' })

    const result = await client.query({
      query:
        'SELECT id, toString(price) AS price, count() OVER () AS rows FROM sales FINAL WHERE id = {id: String}',
      query_params: { id: "a'\\\tb" },
      format: 'JSONEachRow',
    })
    expect(await result.json()).toEqual([
      { id: "a'\\\tb", price: '12.5', rows: expect.toSatisfy((n) => Number(n) === 1) },
    ])
  })

  test('answers errors with their code and status, and takes settings for one request', async () => {
    const client = connect(server)

    await expect(client.query({ query: 'SELECT * FROM no_such_table' })).rejects.toMatchObject({ code: '60' })
    expect((await request(server.url, { method: 'POST', body: 'SELEC 1' })).statusCode).toBe(400)
    const setting = "SELECT value FROM system.settings WHERE name = 'max_block_size'"
    const own = await client.query({
      query: setting,
      clickhouse_settings: { max_block_size: '7' },
      format: 'TabSeparated',
    })
    expect((await own.text()).trim()).toBe('7')
    expect((await (await client.query({ query: setting, format: 'TabSeparated' })).text()).trim()).not.toBe(
      '7',
    )
  })

  test('gives each part a database of its own and drops it', async () => {
    const [one, two] = await Promise.all([place(server), place(server)])
    for (const each of [one, two]) {
      await connect(each).command({ query: 'CREATE TABLE same (n Int32) ENGINE = MergeTree ORDER BY n' })
    }
    await connect(one).insert({ table: 'same', values: [{ n: 1 }], format: 'JSONEachRow' })

    const counted = await connect(two).query({ query: 'SELECT count() FROM same', format: 'TabSeparated' })
    expect((await counted.text()).trim()).toBe('0')
    await one.close()
    await expect(connect(one).query({ query: 'SELECT count() FROM same' })).rejects.toThrow()
    await two.close()
  })

  test('keeps what was inserted through SIGKILL, on the same port', async () => {
    const database = await place(server)
    await connect(database).command({ query: 'CREATE TABLE kept (n Int32) ENGINE = MergeTree ORDER BY n' })
    await connect(database).insert({ table: 'kept', values: [{ n: 1 }, { n: 2 }], format: 'JSONEachRow' })

    await server.control!.pause()
    await server.control!.kill()
    await server.control!.start()

    const sum = await connect(database).query({ query: 'SELECT sum(n) FROM kept', format: 'TabSeparated' })
    expect((await sum.text()).trim()).toBe('3')
  })

  test('is used as an external one, with a database that tells whose it is', async () => {
    const external = await startServer('clickhouse', {
      run,
      env: { CLICKHOUSE_URL: server.url },
      progress: () => {},
    })
    const database = await place(external)

    expect(external).toMatchObject({ origin: 'external', version: server.version })
    expect(database.database).toMatch(/^messaging-lab\./)
    expect(await connect(database).ping()).toMatchObject({ success: true })
    await database.close()
  })

  test('ends in order on SIGTERM, and leaves no process and no port after close', async () => {
    const before = performance.now()
    await server.control!.stop()
    expect(performance.now() - before).toBeLessThan(10_000) // not by SIGKILL after 20 s
    await server.control!.start()

    await Promise.all([server.close(), server.close()])

    expect(processesOf(run)).toEqual([])
    expect(await isPortFree(Number(new URL(server.url).port))).toBe(true)
  })
})

const place = (server: Servers['clickhouse']) => kindOf(server).place(server, { part: 'platform-restman' })

function connect({ url, database }: Servers['clickhouse']) {
  const client = createClient({ url, database, log: { level: ClickHouseLogLevel.OFF } })
  onTestFinished(() => client.close())
  return client
}
