import type { Tx } from './db.ts'

/** Tables that every service has beside its own. */
export const EVENT_TABLES = `
create table if not exists outbox (
  id uuid primary key,
  -- Not now(), when the transaction began: what waited for another one to commit comes after it.
  created_at timestamptz not null default clock_timestamp(),
  topic text not null,
  key text not null,
  payload jsonb not null,
  published_at timestamptz
);
create index if not exists outbox_waiting on outbox (published_at, created_at, id);
create table if not exists inbox (
  event_id text not null,
  consumer text not null,
  handled_at timestamptz not null default now(),
  primary key (event_id, consumer)
);
create index if not exists inbox_old on inbox (handled_at);
-- Whoever holds the row publishes: of several processes one, so that the events of a key keep their order.
create table if not exists outbox_lock (name text primary key);
insert into outbox_lock (name) values ('relay') on conflict do nothing;
`

export interface Outgoing {
  topic: string
  key: string
  event: { id: string }
}

/** Rows as one array a column, for `unnest`: one statement takes any number of them. */
export const columnsOf = <Row extends object>(rows: Row[], ...names: (keyof Row)[]): unknown[][] =>
  names.map((name) => rows.map((row) => row[name]))

/** Puts events out in the transaction of what they tell, in their order. */
export async function addToOutbox(tx: Tx, ...events: Outgoing[]): Promise<void> {
  if (events.length === 0) return
  const rows = events.map(({ topic, key, event }) => ({
    id: event.id,
    topic,
    key,
    payload: JSON.stringify(event),
  }))
  await tx.query(
    `insert into outbox (id, topic, key, payload)
     select id, topic, key, payload::jsonb from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as e (id, topic, key, payload)`,
    columnsOf(rows, 'id', 'topic', 'key', 'payload'),
  )
}

/** Those of the events that this consumer takes for the first time, each once; in the transaction of their effect. */
export async function newsAmong<Event extends { id: string }>(
  tx: Tx,
  consumer: string,
  events: Event[],
): Promise<Event[]> {
  if (events.length === 0) return []
  const byId = new Map(events.map((event) => [event.id, event]))
  const rows = await tx.query<{ event_id: string }>(
    `insert into inbox (event_id, consumer) select event_id, $2 from unnest($1::text[]) as e (event_id)
     on conflict do nothing returning event_id`,
    [[...byId.keys()], consumer],
  )
  const news = new Set(rows.map(({ event_id }) => event_id))
  return [...byId.values()].filter(({ id }) => news.has(id))
}
