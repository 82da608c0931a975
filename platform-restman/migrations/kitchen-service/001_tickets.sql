create table if not exists tickets (
  ticket_id uuid primary key default gen_random_uuid(),
  order_id uuid not null unique,
  user_id uuid not null,
  email text not null,
  restaurant_id uuid not null,
  owner_id uuid not null,
  items jsonb not null,
  status text not null check (status in ('PENDING', 'PREPARING', 'READY', 'DELIVERED', 'CANCELLED')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index if not exists tickets_by_age on tickets (created_at, ticket_id);
create index if not exists tickets_of_restaurant on tickets (restaurant_id, created_at, ticket_id);
create index if not exists tickets_of_owner on tickets (owner_id, created_at, ticket_id);

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
