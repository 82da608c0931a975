import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { anOrder } from '../testing/builders.ts'
import { createOrderStore, ORDERS_SCHEMA } from './order-store.ts'
import { openStore } from './store.ts'

describe('the store', () => {
  test('keeps what was committed when it is opened again', () => {
    const dir = mkdtempSync(join(tmpdir(), 'lab-store-'))
    onTestFinished(() => rmSync(dir, { recursive: true }))
    const order = anOrder()

    const first = openStore('orders', dir, ORDERS_SCHEMA)
    first.transaction(() => createOrderStore(first).insert(order))
    first.close()
    const second = openStore('orders', dir, ORDERS_SCHEMA)
    onTestFinished(() => void second.close())

    expect(createOrderStore(second).get(order.order_id)).toEqual(order)
  })

  test('stores nothing of a transaction that throws', () => {
    const store = openStore('orders', undefined, ORDERS_SCHEMA)
    const orders = createOrderStore(store)
    const order = anOrder()

    expect(() =>
      store.transaction(() => {
        orders.insert(order)
        throw new Error('half way')
      }),
    ).toThrow('half way')
    expect(orders.get(order.order_id)).toBeUndefined()
  })

  test('is free unless another has a transaction open', () => {
    const dir = mkdtempSync(join(tmpdir(), 'lab-store-'))
    onTestFinished(() => rmSync(dir, { recursive: true }))
    const [store, other] = [openStore('orders', dir, ORDERS_SCHEMA), openStore('orders', dir, ORDERS_SCHEMA)]
    onTestFinished(() => {
      store.close()
      other.close()
    })

    expect(store.isFree()).toBe(true)
    expect(other.transaction(() => store.isFree())).toBe(false)
    expect(store.isFree()).toBe(true)
  })

  test('says that the disk is full, and goes on when there is room again', () => {
    const store = openStore('rows', undefined, 'CREATE TABLE rows (text TEXT) STRICT')
    const insert = store.db.prepare('INSERT INTO rows VALUES (?)')
    const add = () => store.transaction(() => insert.run('x'.repeat(9_000)))

    // A limit below the present size is raised to it.
    store.db.exec('PRAGMA max_page_count = 1')
    expect(add).toThrow('database or disk is full')
    store.db.exec('PRAGMA max_page_count = 1000')
    add()

    expect(store.db.prepare('SELECT count(*) AS n FROM rows').get()).toEqual({ n: 1 })
  })

  test('moves an order forward once and lists all orders in the order they came', () => {
    const orders = createOrderStore(openStore('orders', undefined, ORDERS_SCHEMA))
    const many = Array.from({ length: 2_500 }, () => anOrder())
    for (const order of many) orders.insert(order)

    const id = many[0]!.order_id
    expect(orders.advance(id, 'failed', 'out_of_stock')).toBe(true)
    expect(orders.advance(id, 'reserved')).toBe(false)
    expect(orders.get(id)).toMatchObject({ status: 'failed', reason: 'out_of_stock' })
    expect([...orders.pages()].flat().map(({ order_id }) => order_id)).toEqual(
      many.map(({ order_id }) => order_id),
    )
  })
})
