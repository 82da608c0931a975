-- What the scheduler knows of orders and bills, from their topics: each as its last event says.
create table if not exists orders (
  order_id uuid primary key,
  user_id text not null,
  owner_id text not null,
  restaurant_id text not null,
  total_cents bigint not null,
  status text not null,
  placed_at timestamptz not null,
  updated_at timestamptz not null,
  -- When the order-service was last asked to cancel it, and why.
  asked_at timestamptz,
  asked_why text,
  -- The day whose report counts it: the one it was placed on, or a later one where its event came late.
  closed_day date
);
create index if not exists orders_open on orders (status, placed_at);
create index if not exists orders_unclosed on orders (closed_day, placed_at);

create table if not exists bills (
  order_id uuid primary key,
  bill_id uuid not null,
  tax_cents bigint not null,
  total_cents bigint not null,
  payment_status text not null,
  updated_at timestamptz not null
);

-- Every event of an order, with its way: when it happened, when the broker had it, when it was seen here.
create table if not exists road (
  event_id text primary key,
  order_id uuid not null,
  type text not null,
  source text not null,
  status text,
  topic text not null,
  log_partition int not null,
  log_offset bigint not null,
  traceparent text,
  happened_at timestamptz not null,
  logged_at timestamptz not null,
  seen_at timestamptz not null
);
create index if not exists road_order on road (order_id);
create index if not exists road_old on road (seen_at);

create table if not exists closed_days (
  day date not null,
  restaurant_id text not null,
  order_count bigint not null,
  cancelled_count bigint not null,
  open_count bigint not null,
  late_count bigint not null,
  total_cents bigint not null,
  tax_cents bigint not null,
  paid_cents bigint not null,
  primary key (day, restaurant_id)
);
create table if not exists days (
  day date primary key,
  closed_at timestamptz not null
);

create table if not exists leases (
  name text primary key,
  holder text not null,
  expires_at timestamptz not null
);
insert into leases (name, holder, expires_at) values ('scheduler', '', '1970-01-01T00:00:00Z') on conflict do nothing;

create table if not exists jobs (
  name text primary key,
  ran_at timestamptz not null,
  took_ms bigint not null,
  result text not null
);

create table if not exists mails (
  message_id text primary key,
  recipient text not null,
  subject text not null,
  body text not null,
  tries int4 not null default 0,
  due_at timestamptz not null default now(),
  sent_at timestamptz,
  refused text
);
create index if not exists mails_due on mails (sent_at, due_at);
