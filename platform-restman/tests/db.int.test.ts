import { randomUUID } from 'node:crypto'
import { createLog } from '@lab/kit/log.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { joinRunDir } from '@lab/lab/testing/join-run-dir.ts'
import { sharedServer } from '@lab/lab/testing/shared-server.ts'
import { serverKinds } from '@lab/stack/servers/index.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDb } from '../shared/db/db.ts'
import { keepMigrating, migrate } from '../shared/db/migrate.ts'
import { addToOutbox } from '../shared/db/outbox.ts'

joinRunDir()
const place = await serverKinds.postgres.place(sharedServer('postgres'), { part: 'db-test' })
const log = createLog('test', 'silent')
const open = (url = place.url) => {
  const db = openDb({ url, connections: 10, log })
  afterAll(() => db.close())
  return db
}
afterAll(() => place.close())
const db = open()

beforeAll(async () => {
  await db.query('create table accounts (name text primary key, amount int8 not null check (amount >= 0))')
})
const newAccount = async (amount: number) => {
  const name = randomUUID()
  await db.query('insert into accounts values ($1, $2)', [name, amount])
  return name
}
const amountOf = async (name: string) =>
  (await db.query<{ amount: number }>('select amount from accounts where name = $1', [name]))[0]!.amount

test('what does not go together with another transaction is run again as a whole', async () => {
  const name = await newAccount(0)
  let runs = 0
  const met = Promise.withResolvers<void>()
  const both = () => {
    if (++runs === 2) met.resolve()
    return runs > 2 ? undefined : met.promise
  }
  const add = () =>
    db.transaction(async (tx) => {
      const [row] = await tx.query<{ amount: number }>('select amount from accounts where name = $1', [name])
      // Both have read before one of them writes: the database lets one of them through.
      await both()
      await tx.query('update accounts set amount = $2 where name = $1', [name, row!.amount + 1])
    })
  await Promise.all([add(), add()])

  expect(runs).toBe(3)
  expect(await amountOf(name)).toBe(2)
})

test('a statement alone is run again like a transaction', async () => {
  const name = await newAccount(0)
  await Promise.all(
    Array.from({ length: 40 }, () =>
      db.query('update accounts set amount = amount + 1 where name = $1', [name]),
    ),
  )
  expect(await amountOf(name)).toBe(40)
})

test('rules that span rows hold under transactions at the same time', async () => {
  const [one, other] = [await newAccount(50), await newAccount(50)]
  const bothHaveRead = Promise.withResolvers<void>()
  let reads = 0
  const take = (name: string) =>
    db.transaction(async (tx) => {
      const [row] = await tx.query<{ sum: number }>(
        'select sum(amount)::int8 as sum from accounts where name in ($1, $2)',
        [one, other],
      )
      if (++reads === 2) bothHaveRead.resolve()
      await bothHaveRead.promise
      if (row!.sum >= 100) await tx.query('update accounts set amount = 0 where name = $1', [name])
    })
  await Promise.all(Array.from({ length: 10 }, (_, at) => take(at % 2 ? one : other)))
  expect((await amountOf(one)) + (await amountOf(other))).toBe(50)
})

test('a transaction in which something failed is never said to be committed', async () => {
  const name = await newAccount(1)
  const wrong = db.transaction(async (tx) => {
    await tx.query('update accounts set amount = 7 where name = $1', [name])
    await tx.query('update accounts set amount = -1 where name = $1', [name]).catch(() => {})
  })
  await expect(wrong).rejects.toThrow('rolled back')
  expect(await amountOf(name)).toBe(1)
})

test('what fails beside the database does not make it away', async () => {
  await db.query('select 1')
  const beside = new Error('Connection error: connect ECONNREFUSED')
  await expect(db.transaction(() => Promise.reject(beside))).rejects.toBe(beside)
  expect(db.state()).toBe('ok')
})

test('a database that cannot be reached is missing, in time', async () => {
  const nowhere = open('postgresql://root@127.0.0.1:1/nowhere')
  const missing = { code: 'LAB_DEPENDENCY_UNAVAILABLE', retryable: true }
  await expect(nowhere.query('select 1')).rejects.toMatchObject(missing)
  await expect(nowhere.transaction((tx) => tx.query('select 1'))).rejects.toMatchObject(missing)
  expect(nowhere.state()).toContain('ECONNREFUSED')
})

test('a connection that the server ends breaks nothing that comes after it', async () => {
  const cut = db.transaction(async (tx) => {
    const [row] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
    await open().query('select pg_terminate_backend($1)', [row!.pid])
    await tx.query('select 1')
  })
  await expect(cut).rejects.toMatchObject({ code: 'LAB_DEPENDENCY_UNAVAILABLE' })
  for (let at = 0; at < 20; at++) await db.query('select 1')
  expect(db.state()).toBe('ok')
})

test('tables whose making was cut short are made to the end by the next start', async () => {
  const fresh = await serverKinds.postgres.place(sharedServer('postgres'), { part: 'half-test' })
  afterAll(() => fresh.close())
  const whole = open(fresh.url)
  const cut = {
    ...whole,
    query: (text: string, values?: unknown[]) => end(text) || whole.query(text, values),
  }
  const end = (text: string) =>
    text.includes('create table if not exists idempotency_keys') && Promise.reject(new Error('killed here'))

  await expect(migrate(cut as never, 'order-service', log)).rejects.toThrow('killed here')
  await migrate(whole, 'order-service', log)

  expect(await whole.query('select * from idempotency_keys')).toEqual([])
})

test('tables are made once, however many start at the same time, and stay as they are', async () => {
  const fresh = await serverKinds.postgres.place(sharedServer('postgres'), { part: 'migrations-test' })
  afterAll(() => fresh.close())
  const all = Array.from({ length: 5 }, () => open(fresh.url))
  const failed: unknown[] = []
  const watched = Object.assign(Object.create(log), { warn: (what: unknown) => failed.push(what) })
  const migrations = all.map((one) => keepMigrating(one, 'order-service', { skip: false, log: watched }))
  for (const { state } of migrations) await waitFor('the tables', () => state() === 'ok')
  await Promise.all(migrations.map(({ close }) => close()))
  expect(failed).toEqual([])

  const names = await all[0]!.query<{ name: string }>('select name from migrations order by name')
  expect(names.map(({ name }) => name)).toEqual(['001_orders.sql', 'events', 'lock'])
  await migrate(all[0]!, 'order-service', log)

  // Events of one transaction after the other lie in their order, whenever the transactions began.
  const began = Promise.withResolvers<void>()
  const first = Promise.withResolvers<void>()
  const add = (db: (typeof all)[0], key: string, before: () => Promise<void>) =>
    db.transaction(async (tx) => {
      await before()
      await addToOutbox(tx, { topic: 'order.events', key, event: { id: randomUUID() } })
    }, 'read committed')
  const late = add(all[1]!, 'second', () => {
    began.resolve()
    return first.promise
  })
  await began.promise
  await add(all[2]!, 'first', async () => {})
  first.resolve()
  await late
  const keys = await all[0]!.query<{ key: string }>('select key from outbox order by created_at, id')
  expect(keys.map(({ key }) => key)).toEqual(['first', 'second'])
})
