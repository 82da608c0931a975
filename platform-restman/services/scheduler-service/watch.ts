import type { Db, Tx } from '../../shared/db/db.ts'
import { isNews } from '../../shared/db/outbox.ts'
import type { BillEvent, OrderEvent } from '../../shared/events/events.ts'
import { Poison, type Received } from '../../shared/kafka/consumer.ts'

type Incoming = Received<OrderEvent | BillEvent>

/** Notes every event of an order on its road, and keeps order and bill as their last event says. One transaction a batch. */
export function watch(db: Db, service: string) {
  return (batch: Incoming[]): Promise<void> =>
    db.transaction(async (tx) => {
      for (const incoming of batch) if (await isNews(tx, service, incoming.event.id)) await take(tx, incoming)
    })
}

async function take(tx: Tx, incoming: Incoming): Promise<void> {
  const { event } = incoming
  await note(tx, incoming)
  if (event.type === 'order.placed') {
    const { order_id, user_id, owner_id, restaurant_id, total_cents, created_at } = event.data
    await tx.query(
      `insert into orders (order_id, user_id, owner_id, restaurant_id, total_cents, status, placed_at, updated_at)
       values ($1, $2, $3, $4, $5, 'placed', $6, $6) on conflict (order_id) do nothing`,
      [order_id, user_id, owner_id, restaurant_id, total_cents, created_at],
    )
  } else if (event.type === 'order.status_updated') {
    const { order_id, status, updated_at } = event.data
    // The events of an order are in one partition: they come in their order, and a repeat is no news. What is over stays over.
    const known = await tx.query(
      `update orders set status = case when status in ('cancelled', 'delivered') then status else $2 end, updated_at = $3
       where order_id = $1 returning order_id`,
      [order_id, status, updated_at],
    )
    if (known.length === 0) throw new Poison(incoming.offset, `order ${order_id} was never placed`)
  } else {
    const { order_id, bill_id, tax_cents, total_cents, payment_status } = event.data
    await tx.query(
      `insert into bills (order_id, bill_id, tax_cents, total_cents, payment_status, updated_at)
       values ($1, $2, $3, $4, $5, $6)
       on conflict (order_id) do update set payment_status = excluded.payment_status, updated_at = excluded.updated_at`,
      [order_id, bill_id, tax_cents, total_cents, payment_status, event.time],
    )
  }
}

async function note(tx: Tx, { event, topic, partition, offset, loggedAt }: Incoming): Promise<void> {
  const status = event.type === 'order.status_updated' ? event.data.status : null
  await tx.query(
    `insert into road (event_id, order_id, type, source, status, topic, log_partition, log_offset, traceparent,
       happened_at, logged_at, seen_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now()) on conflict (event_id) do nothing`,
    [
      event.id,
      event.data.order_id,
      event.type,
      event.source,
      status,
      topic,
      partition,
      offset,
      event.traceparent ?? null,
      event.time,
      loggedAt,
    ],
  )
}
