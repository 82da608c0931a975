import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore, type Store } from './store.ts'

const ROWS = 'CREATE TABLE IF NOT EXISTS rows (text TEXT) STRICT'
const add = ({ db }: Store, text: string) => db.prepare('INSERT INTO rows VALUES (?)').run(text)
const rowsOf = ({ db }: Store) =>
  db
    .prepare('SELECT text FROM rows')
    .all()
    .map(({ text }) => text)

describe('the store', () => {
  test('keeps what was committed when it is opened again', () => {
    const dir = mkdtempSync(join(tmpdir(), 'lab-store-'))
    onTestFinished(() => rmSync(dir, { recursive: true }))

    const first = openStore('rows', dir, ROWS)
    first.transaction(() => add(first, 'kept'))
    first.close()
    const second = openStore('rows', dir, ROWS)
    onTestFinished(() => void second.close())

    expect(rowsOf(second)).toEqual(['kept'])
  })

  test('stores nothing of a transaction that throws', () => {
    const store = openStore('rows', undefined, ROWS)

    expect(() =>
      store.transaction(() => {
        add(store, 'lost')
        throw new Error('half way')
      }),
    ).toThrow('half way')
    expect(rowsOf(store)).toEqual([])
  })

  test('is nobody else’s where it has no file', () => {
    const [store, other] = [openStore('rows', undefined, ROWS), openStore('rows', undefined, ROWS)]
    store.transaction(() => add(store, 'mine'))

    expect(rowsOf(other)).toEqual([])
  })

  test('commits in memory as fast after thousands of transactions as at first', () => {
    const tables = `CREATE TABLE inbox (seq INTEGER PRIMARY KEY, id TEXT UNIQUE) STRICT;
      CREATE TABLE outbox (seq INTEGER PRIMARY KEY, body TEXT) STRICT`
    const { db, transaction } = openStore('rows', undefined, tables)
    const arrive = db.prepare('INSERT INTO inbox (id) VALUES (?)')
    const announce = db.prepare('INSERT INTO outbox (body) VALUES (?)')
    const forget = db.prepare('DELETE FROM outbox WHERE seq <= ?')
    let count = 0
    const take = () => {
      for (let at = 0; at < 40; at++) {
        arrive.run(String(count++).padStart(36, '0'))
        announce.run('an event'.repeat(40))
      }
    }
    const commitMs = (work: () => unknown) => {
      const doneAt = transaction(() => {
        work()
        return performance.now()
      })
      return performance.now() - doneAt
    }
    const median = (rounds: number) =>
      Array.from({ length: rounds }, () => commitMs(take) + commitMs(() => forget.run(count))).sort(
        (a, b) => a - b,
      )[rounds >> 1]!

    const first = median(300)
    median(6_000)
    expect(median(300) / first).toBeLessThan(4)
  })

  test('is free unless another has a transaction open', () => {
    const dir = mkdtempSync(join(tmpdir(), 'lab-store-'))
    onTestFinished(() => rmSync(dir, { recursive: true }))
    const [store, other] = [openStore('rows', dir, ROWS), openStore('rows', dir, ROWS)]
    onTestFinished(() => {
      store.close()
      other.close()
    })

    expect(store.isFree()).toBe(true)
    expect(other.transaction(() => store.isFree())).toBe(false)
    expect(store.isFree()).toBe(true)
  })

  test('is opened by nobody else while it is exclusive', () => {
    const dir = mkdtempSync(join(tmpdir(), 'lab-store-'))
    onTestFinished(() => rmSync(dir, { recursive: true }))
    const first = openStore('rows', dir, ROWS, { isExclusive: true })
    onTestFinished(() => void first.close())
    first.transaction(() => add(first, 'kept'))

    expect(() => openStore('rows', dir, ROWS, { isExclusive: true })).toThrow('another process works on')
    first.close()
    const second = openStore('rows', dir, ROWS, { isExclusive: true })
    onTestFinished(() => void second.close())
    expect(rowsOf(second)).toEqual(['kept'])
  })

  test('says that the disk is full, and goes on when there is room again', () => {
    const store = openStore('rows', undefined, ROWS)
    const addMuch = () => store.transaction(() => add(store, 'x'.repeat(9_000)))

    // A limit below the present size is raised to it.
    store.db.exec('PRAGMA max_page_count = 1')
    expect(addMuch).toThrow('database or disk is full')
    store.db.exec('PRAGMA max_page_count = 1000')
    addMuch()

    expect(store.db.prepare('SELECT count(*) AS n FROM rows').get()).toEqual({ n: 1 })
  })
})
