import type { Db } from '../../shared/db/db.ts'

export type Why = 'unpaid' | 'stale'

export interface ExpireDeps {
  db: Db
  /** Asks the order-service, which decides; false when the order is past cancelling. */
  cancel: (orderId: string, why: Why) => Promise<boolean>
  unpaidMs: number
  staleMs: number
}

const BATCH = 100
/** When the answer of the order-service does not come back as an event. */
const ASK_AGAIN = `interval '10 minutes'`

/**
 * Cancels orders that wait for their kitchen and were not paid in time, or that no kitchen took in time. What a kitchen has
 * begun is never cancelled: the order-service refuses it.
 */
export function expireOrders({ db, cancel, unpaidMs, staleMs }: ExpireDeps): () => Promise<string> {
  return async () => {
    const due = await db.query<{ order_id: string; why: Why }>(
      `select o.order_id, case when o.placed_at < now() - $2::float8 * interval '1 millisecond' then 'stale' else 'unpaid' end as why
       from orders o left join bills b on b.order_id = o.order_id
       where o.status = 'placed' and (o.asked_at is null or o.asked_at < now() - ${ASK_AGAIN})
         and (o.placed_at < now() - $2::float8 * interval '1 millisecond'
           or (o.placed_at < now() - $1::float8 * interval '1 millisecond' and coalesce(b.payment_status, 'unpaid') = 'unpaid'))
       order by o.placed_at limit ${BATCH}`,
      [unpaidMs, staleMs],
    )
    let cancelled = 0
    for (const { order_id, why } of due) {
      if (await cancel(order_id, why)) cancelled++
      await db.query('update orders set asked_at = now(), asked_why = $2 where order_id = $1', [
        order_id,
        why,
      ])
    }
    return `${cancelled} of ${due.length} cancelled`
  }
}
