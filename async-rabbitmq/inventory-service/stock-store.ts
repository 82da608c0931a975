import { ITEMS, type Item } from '@lab/common/domain/order.ts'
import type { Stock } from '@lab/common/domain/stock.ts'
import type { Store } from '@lab/kit/store.ts'

export const STOCK_SCHEMA = `
  CREATE TABLE IF NOT EXISTS stock (
    item TEXT PRIMARY KEY,
    available INTEGER NOT NULL CHECK (available >= 0)
  ) STRICT, WITHOUT ROWID;`

export interface StockStore {
  /** What is left of each item. */
  left: () => Stock
  /** Stores what is left. The caller holds the transaction in which it was read. */
  set: (item: Item, available: number) => void
}

/** The stock of the store. `initial` is put in once, when the store is new. */
export function createStockStore({ db, transaction }: Store, initial: Stock): StockStore {
  const insert = db.prepare('INSERT OR IGNORE INTO stock (item, available) VALUES (?, ?)')
  const select = db.prepare('SELECT item, available FROM stock')
  const update = db.prepare('UPDATE stock SET available = ? WHERE item = ?')
  transaction(() => {
    for (const item of ITEMS) insert.run(item, initial[item])
  })
  return {
    left: () =>
      Object.fromEntries(select.all().map(({ item, available }) => [item, available])) as unknown as Stock,
    set: (item, available) => {
      update.run(available, item)
    },
  }
}
