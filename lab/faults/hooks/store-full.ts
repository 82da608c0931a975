import { writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/**
 * Preloaded into a service: at SIGWINCH none of its databases may grow by a page any more, so SQLite itself answers
 * SQLITE_FULL as it does on a full disk. The next SIGWINCH gives the room back.
 */
const opened = new Set<DatabaseSync>()
let formerLimits: Map<DatabaseSync, number> | undefined

const { exec } = DatabaseSync.prototype
DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
  opened.add(this)
  return exec.call(this, sql)
}

process.on('SIGWINCH', () => {
  const databases = [...opened].filter((db) => db.isOpen)
  if (formerLimits) {
    for (const [db, pages] of formerLimits) if (db.isOpen) limit(db, pages)
    formerLimits = undefined
    return writeSync(2, `store-full hook: ${databases.length} databases may grow again\n`)
  }
  formerLimits = new Map(databases.map((db) => [db, limit(db)]))
  // SQLite raises a limit below the present size to the present size.
  const sizes = databases.map((db) => limit(db, 1))
  return writeSync(
    2,
    `store-full hook: ${databases.length} databases are full at ${sizes.join(', ')} pages\n`,
  )
})

/** The most pages the database may have, after setting it when `pages` is given. */
function limit(db: DatabaseSync, pages?: number): number {
  const pragma = pages === undefined ? 'max_page_count' : `max_page_count = ${pages}`
  return Number(db.prepare(`PRAGMA ${pragma}`).get()?.max_page_count)
}
