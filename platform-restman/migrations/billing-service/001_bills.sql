create table if not exists bills (
  bill_id uuid primary key default gen_random_uuid(),
  order_id uuid not null unique,
  user_id uuid not null,
  restaurant_id uuid not null,
  owner_id uuid not null,
  subtotal_cents int8 not null,
  tax_cents int8 not null,
  total_cents int8 not null check (total_cents = subtotal_cents + tax_cents),
  payment_status text not null default 'unpaid' check (payment_status in ('unpaid', 'paid', 'cancelled')),
  created_at timestamptz not null default now(),
  paid_at timestamptz
);
create index if not exists bills_by_age on bills (created_at, bill_id);
create index if not exists bills_of_user on bills (user_id, created_at, bill_id);
create index if not exists bills_of_owner on bills (owner_id, created_at, bill_id);
