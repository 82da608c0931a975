import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { messageOf } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import { pause } from '@lab/kit/wait.ts'
import type { Db } from './db.ts'
import { EVENT_TABLES } from './outbox.ts'

const MIGRATIONS = resolve(import.meta.dirname, '../../migrations')
const RETRY_MS = 500

const LOCK = [
  'create table if not exists migrations (name text primary key, applied_at timestamptz not null default now())',
  `insert into migrations (name) values ('lock') on conflict (name) do nothing`,
]

/**
 * Brings the tables of a service up to date: its files in the order of their names, each once; of several processes one does it.
 *
 * Each statement is a transaction of its own, on a connection beside the one that holds the lock: CockroachDB commits what is
 * open before it changes a table. A process that dies on the way leaves a file half done and unnoted, so that the next one
 * begins it again: statements say `if not exists`.
 */
export async function migrate(db: Db, service: string, log: Logger): Promise<void> {
  const folder = join(MIGRATIONS, service)
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  for (const statement of LOCK) await db.query(statement).catch(unlessMade)
  for (const name of ['events', ...files]) {
    const text = name === 'events' ? EVENT_TABLES : await readFile(join(folder, name), 'utf8')
    const isNew = await db.transaction(async (tx) => {
      // Whoever comes second waits here, and then finds it done.
      await tx.query(`select name from migrations where name = 'lock' for update`)
      const known = await tx.query('select name from migrations where name = $1', [name])
      if (known.length > 0) return false
      for (const statement of statementsOf(text)) await db.query(statement)
      await tx.query('insert into migrations (name) values ($1)', [name])
      return true
    })
    if (isNew) log.info({ migration: name }, 'migrated')
  }
}

/** unique_violation, duplicate_table, duplicate_object: a table's row type may be found before the table. */
const MADE = new Set<unknown>(['23505', '42P07', '42710'])
/** Of two that make the very first table at the same moment one finds it made, whatever `if not exists` says. */
function unlessMade(err: unknown): void {
  if (!MADE.has((err as { code?: string }).code)) throw err
}

/** A statement ends with a semicolon at the end of a line. */
const statementsOf = (text: string) => text.split(/;$/m).filter((statement) => statement.trim() !== '')

export interface Migrating {
  /** `ok` once the tables are as this service needs them. */
  state: () => string
  close: () => Promise<void>
}

/** Tries until the database is there. A service is not ready before. */
export function keepMigrating(
  db: Db,
  service: string,
  { skip, log }: { skip: boolean; log: Logger },
): Migrating {
  const closing = new AbortController()
  let state = skip ? 'ok' : 'migrating'
  const finished = (async () => {
    while (state !== 'ok' && !closing.signal.aborted) {
      try {
        await migrate(db, service, log)
        state = 'ok'
      } catch (err) {
        state = `migrating: ${messageOf(err)}`
        log.warn({ err }, 'the tables are not there yet')
        await pause(RETRY_MS, closing.signal)
      }
    }
  })()
  return {
    state: () => (state === 'ok' ? db.state() : state),
    close: async () => {
      closing.abort()
      await finished
    },
  }
}
