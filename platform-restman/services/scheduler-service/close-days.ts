import { z } from 'zod'
import type { Db, Tx } from '../../shared/db/db.ts'
import type { Lease } from './lease.ts'

const DAY_MS = 86_400_000

const count = z.int()
const cents = z.int()
export const ClosedDay = z
  .object({
    restaurant_id: z.string(),
    order_count: count,
    cancelled_count: count,
    open_count: count.describe('Neither delivered nor cancelled when the day was closed'),
    late_count: count.describe('Of earlier days, whose events came after those were closed'),
    total_cents: cents.describe('Billed, tax included, without what was cancelled'),
    tax_cents: cents,
    paid_cents: cents,
  })
  .meta({ id: 'ClosedDay' })
export type ClosedDay = z.infer<typeof ClosedDay>

export interface CloseDeps {
  db: Db
  lease: Pick<Lease, 'fence'>
  /** In the transaction that closes the day: a day that is closed has its report. */
  report: (tx: Tx, day: string, restaurants: ClosedDay[]) => Promise<void>
  /** How long after its end a day stays open, for events that are on their way. */
  graceMs: number
  now?: () => number
}

/**
 * Closes every day, in UTC, that has ended. An order is counted in one closed day: its own, or the next one to be closed where
 * its event came late. Closed days add up to all orders.
 */
export function closeDays({ db, lease, report, graceMs, now = Date.now }: CloseDeps): () => Promise<string> {
  const close = (day: string) =>
    db.transaction(async (tx) => {
      await lease.fence(tx)
      const opened = await tx.query(
        'insert into days (day, closed_at) values ($1, now()) on conflict (day) do nothing returning day',
        [day],
      )
      if (opened.length === 0) return false
      await tx.query('update orders set closed_day = $1 where closed_day is null and placed_at < $2', [
        day,
        dayOf(Date.parse(day) + DAY_MS),
      ])
      await report(tx, day, await tx.query<ClosedDay>(SUM, [day]))
      return true
    })

  return async () => {
    const today = Date.parse(dayOf(now()))
    const end = now() - today >= graceMs ? today : today - DAY_MS
    const rows = await db.query<{ day: string }>(
      `select distinct to_char(placed_at at time zone 'UTC', 'YYYY-MM-DD') as day from orders
       where closed_day is null and placed_at < $1`,
      [dayOf(end)],
    )
    const ended = new Set([...rows.map(({ day }) => day), dayOf(end - DAY_MS)])
    let closed = 0
    for (const day of [...ended].sort()) if (await close(day)) closed++
    return `${closed} closed`
  }
}

const COLUMNS =
  'restaurant_id, order_count, cancelled_count, open_count, late_count, total_cents, tax_cents, paid_cents'
const SUM = `insert into closed_days
  select $1::date, o.restaurant_id, count(*),
    count(*) filter (where o.status = 'cancelled'),
    count(*) filter (where o.status not in ('delivered', 'cancelled')),
    count(*) filter (where o.placed_at < $1::date),
    coalesce(sum(b.total_cents) filter (where o.status <> 'cancelled'), 0)::int8,
    coalesce(sum(b.tax_cents) filter (where o.status <> 'cancelled'), 0)::int8,
    coalesce(sum(b.total_cents) filter (where b.payment_status = 'paid'), 0)::int8
  from orders o left join bills b on b.order_id = o.order_id
  where o.closed_day = $1 group by o.restaurant_id
  returning ${COLUMNS}`

/** What a day came to; undefined as long as it is open. */
export async function closedDay(db: Db, day: string): Promise<ClosedDay[] | undefined> {
  const [closed] = await db.query('select day from days where day = $1', [day])
  return (
    closed &&
    db.query<ClosedDay>(`select ${COLUMNS} from closed_days where day = $1 order by restaurant_id`, [day])
  )
}

export const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)
