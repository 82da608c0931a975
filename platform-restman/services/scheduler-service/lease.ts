import type { Db, Tx } from '../../shared/db/db.ts'

export interface Lease {
  /** Takes or renews it; whether it is ours now. */
  take: () => Promise<boolean>
  /** Whether it was ours when last asked. */
  isOurs: () => boolean
  /** Inside a transaction: throws when the lease has gone to another, and holds it until the commit. */
  fence: (tx: Tx) => Promise<void>
  /** Lets another take it at once. */
  release: () => Promise<void>
}

/** One runner at a time: the row of the lease names it, and the clock is the database's. */
export function createLease(db: Db, holder: string, ttlMs: number): Lease {
  let isOurs = false
  return {
    async take() {
      const rows = await db.query(
        `update leases set holder = $1, expires_at = now() + $2::float8 * interval '1 millisecond'
         where name = 'scheduler' and (holder = $1 or expires_at < now()) returning name`,
        [holder, ttlMs],
      )
      isOurs = rows.length === 1
      return isOurs
    },
    isOurs: () => isOurs,
    async fence(tx) {
      const rows = await tx.query(
        `select name from leases where name = 'scheduler' and holder = $1 and expires_at > now() for update`,
        [holder],
      )
      if (rows.length === 0) throw new Error('the lease has gone to another scheduler')
    },
    async release() {
      isOurs = false
      await db.query(`update leases set expires_at = now() where name = 'scheduler' and holder = $1`, [
        holder,
      ])
    },
  }
}
