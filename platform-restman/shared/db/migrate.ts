import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import type { Db } from './db.ts'
import { EVENT_TABLES } from './outbox.ts'

const MIGRATIONS = resolve(import.meta.dirname, '../../migrations')
const RETRY_MS = 500

const LOCK = [
  'create table if not exists migrations (name text primary key, applied_at timestamptz not null default now())',
  `insert into migrations (name) values ('lock') on conflict (name) do nothing`,
]

/** Brings the tables of a service up to date: its files in the order of their names, each once. Of several processes one does it. */
export async function migrate(db: Db, service: string, log: Logger): Promise<void> {
  const folder = join(MIGRATIONS, service)
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  for (const statement of LOCK) await db.query(statement)
  for (const name of ['events', ...files]) {
    const text = name === 'events' ? EVENT_TABLES : await readFile(join(folder, name), 'utf8')
    const isNew = await db.transaction(async (tx) => {
      // Whoever comes second waits here, and then finds it done.
      await tx.query(`select name from migrations where name = 'lock' for update`)
      const [mine] = await tx.query(
        'insert into migrations (name) values ($1) on conflict (name) do nothing returning name',
        [name],
      )
      if (mine) await tx.query(text)
      return mine !== undefined
    })
    if (isNew) log.info({ migration: name }, 'migrated')
  }
}

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
        await sleep(RETRY_MS, undefined, { signal: closing.signal }).catch(() => {})
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
