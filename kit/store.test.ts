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
