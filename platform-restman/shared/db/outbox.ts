import type { Tx } from './db.ts'

/** Tables that every service has beside its own. */
export const EVENT_TABLES = `
create table outbox (
  id uuid primary key,
  -- Not now(), when the transaction began: what waited for another one to commit comes after it.
  created_at timestamptz not null default clock_timestamp(),
  topic text not null,
  key text not null,
  payload jsonb not null,
  published_at timestamptz
);
create index outbox_waiting on outbox (published_at, created_at, id);
create table inbox (
  event_id text not null,
  consumer text not null,
  handled_at timestamptz not null default now(),
  primary key (event_id, consumer)
);
create index inbox_old on inbox (handled_at);
-- Whoever holds the row publishes: of several processes one, so that the events of a key keep their order.
create table outbox_lock (name text primary key);
insert into outbox_lock (name) values ('relay');
`

export interface Outgoing {
  topic: string
  key: string
  event: { id: string }
}

/** Puts an event out in the transaction of what it tells. */
export async function addToOutbox(tx: Tx, { topic, key, event }: Outgoing): Promise<void> {
  await tx.query('insert into outbox (id, topic, key, payload) values ($1, $2, $3, $4)', [
    event.id,
    topic,
    key,
    JSON.stringify(event),
  ])
}

/** Whether this consumer takes the event for the first time; in the transaction of its effect. */
export async function isNews(tx: Tx, consumer: string, eventId: string): Promise<boolean> {
  const rows = await tx.query(
    'insert into inbox (event_id, consumer) values ($1, $2) on conflict do nothing returning event_id',
    [eventId, consumer],
  )
  return rows.length === 1
}
