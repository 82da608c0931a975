import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export interface Store {
  db: DatabaseSync
  /**
   * Runs `work` in one transaction: all of it is stored, or nothing. The write lock is taken at once, so two processes
   * that share the file never decide on the same old state. `work` is synchronous: nothing else runs in between.
   */
  transaction: <Result>(work: () => Result) => Result
  /** Whether a transaction could begin now. Another process that is in one holds the file, also while it is frozen. */
  isFree: () => boolean
  close: () => void
}

/**
 * A file that is in memory, of this connection alone, up to 1 GiB. Where rows come and go, a commit of SQLite's own `:memory:` takes
 * longer and longer: ten times as long after six thousand batches of forty orders, and after a million orders a millisecond.
 */
const IN_MEMORY = 'file:store?vfs=memdb'

const BUSY = 5
const BUSY_TIMEOUT_MS = 5_000

export interface StoreOptions {
  /** No other process has the file until this one closes it or ends. Opening throws where another one has it. */
  isExclusive?: boolean
}

/**
 * Opens the one store of a service: `<dataDir>/<name>.sqlite`, or memory without a folder. `schema` is idempotent SQL.
 *
 * WAL with `synchronous=NORMAL`: a committed transaction survives the kill of the process, not the loss of power.
 */
export function openStore(
  name: string,
  dataDir: string | undefined,
  schema: string,
  { isExclusive = false }: StoreOptions = {},
): Store {
  if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true })
  const file = dataDir === undefined ? IN_MEMORY : join(dataDir, `${name}.sqlite`)
  const db = new DatabaseSync(file)
  try {
    db.exec(isExclusive ? 'PRAGMA locking_mode = EXCLUSIVE' : `PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    db.exec(schema)
  } catch (err) {
    db.close()
    if ((err as { errcode?: number }).errcode !== BUSY) throw err
    throw new Error(`another process works on ${file}`, { cause: err })
  }

  const transaction = <Result>(work: () => Result): Result => {
    db.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      db.exec('COMMIT')
      return result
    } catch (err) {
      // SQLite has rolled back itself after some errors, a full disk among them; asked again, it would hide which.
      if (db.isTransaction) db.exec('ROLLBACK')
      throw err
    }
  }
  return { db, transaction, isFree: () => isFree(db), close: () => db.isOpen && db.close() }
}

/** What `Store.isFree` says of any open database. */
export function isFree(db: DatabaseSync): boolean {
  db.exec('PRAGMA busy_timeout = 0')
  try {
    db.exec('BEGIN IMMEDIATE; ROLLBACK')
    return true
  } catch (err) {
    if ((err as { errcode?: number }).errcode === BUSY) return false
    throw err
  } finally {
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`)
  }
}
