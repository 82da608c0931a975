import type { Db, Tx } from '../../shared/db/db.ts'
import { columnsOf, newsAmong } from '../../shared/db/outbox.ts'
import type { Bill, BillEvent, OrderEvent, OrderPlaced } from '../../shared/events/events.ts'
import { Poison, type Received } from '../../shared/kafka/consumer.ts'

type Incoming = Received<OrderEvent | BillEvent>

/** Notes every event of an order on its road, and keeps order and bill as their last event says. One transaction a batch. */
export function watch(db: Db, service: string) {
  return (batch: Incoming[]): Promise<void> =>
    db.transaction(async (tx) => {
      const named = batch.map((one) => ({ id: one.event.id, ...one }))
      const news = await newsAmong(tx, service, named)
      await note(tx, news)
      await takeOrders(
        tx,
        news.flatMap(({ event }) => (event.type === 'order.placed' ? event.data : [])),
      )
      for (const one of news) if (one.event.type === 'order.status_updated') await takeStatus(tx, one)
      await takeBills(tx, news)
    })
}

async function takeOrders(tx: Tx, orders: OrderPlaced[]): Promise<void> {
  if (orders.length === 0) return
  await tx.query(
    `insert into orders (order_id, user_id, owner_id, restaurant_id, total_cents, status, placed_at, updated_at)
     select order_id, user_id, owner_id, restaurant_id, total_cents, 'placed', placed_at, placed_at
     from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int8[], $6::timestamptz[])
       as o (order_id, user_id, owner_id, restaurant_id, total_cents, placed_at)
     on conflict (order_id) do nothing`,
    columnsOf(orders, 'order_id', 'user_id', 'owner_id', 'restaurant_id', 'total_cents', 'created_at'),
  )
}

/** The events of an order are in one partition: they come in their order, and a repeat is no news. What is over stays over. */
async function takeStatus(tx: Tx, { event, offset }: Incoming): Promise<void> {
  const { order_id, status, updated_at } = event.data as {
    [Name in 'order_id' | 'status' | 'updated_at']: string
  }
  const known = await tx.query(
    `update orders set status = case when status in ('cancelled', 'delivered') then status else $2 end, updated_at = $3
     where order_id = $1 returning order_id`,
    [order_id, status, updated_at],
  )
  if (known.length === 0) throw new Poison(offset, `order ${order_id} was never placed`)
}

/** Of several events of one bill the last. */
async function takeBills(tx: Tx, news: Incoming[]): Promise<void> {
  const bills = new Map<string, Bill & { at: string }>()
  for (const { event } of news)
    if ('bill_id' in event.data) bills.set(event.data.order_id, { ...event.data, at: event.time })
  if (bills.size === 0) return
  await tx.query(
    `insert into bills (order_id, bill_id, tax_cents, total_cents, payment_status, updated_at)
     select * from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[], $5::text[], $6::timestamptz[])
     on conflict (order_id) do update set payment_status = excluded.payment_status, updated_at = excluded.updated_at`,
    columnsOf([...bills.values()], 'order_id', 'bill_id', 'tax_cents', 'total_cents', 'payment_status', 'at'),
  )
}

async function note(tx: Tx, news: Incoming[]): Promise<void> {
  const rows = news.map(({ event, topic, partition, offset, loggedAt }) => ({
    event_id: event.id,
    order_id: event.data.order_id,
    type: event.type,
    source: event.source,
    status: event.type === 'order.status_updated' ? event.data.status : null,
    topic,
    partition,
    offset,
    traceparent: event.traceparent ?? null,
    happened_at: event.time,
    logged_at: loggedAt.toISOString(),
  }))
  if (rows.length === 0) return
  await tx.query(
    `insert into road (event_id, order_id, type, source, status, topic, log_partition, log_offset, traceparent,
       happened_at, logged_at, seen_at)
     select e.*, now() from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[],
       $8::int8[], $9::text[], $10::timestamptz[], $11::timestamptz[]) as e
     on conflict (event_id) do nothing`,
    columnsOf(
      rows,
      'event_id',
      'order_id',
      'type',
      'source',
      'status',
      'topic',
      'partition',
      'offset',
      'traceparent',
      'happened_at',
      'logged_at',
    ),
  )
}
