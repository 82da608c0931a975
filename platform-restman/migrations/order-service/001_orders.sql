create table if not exists orders (
  order_id uuid primary key,
  user_id uuid not null,
  email text not null,
  restaurant_id uuid not null,
  restaurant_name text not null,
  owner_id uuid not null,
  total_cents int8 not null check (total_cents >= 0),
  status text not null check (status in ('placed', 'preparing', 'ready', 'delivered', 'cancelled')),
  reason text,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index if not exists orders_by_age on orders (created_at, order_id);
create index if not exists orders_of_user on orders (user_id, created_at, order_id);
create index if not exists orders_of_restaurant on orders (restaurant_id, created_at, order_id);
create index if not exists orders_of_owner on orders (owner_id, created_at, order_id);

create table if not exists order_items (
  order_item_id uuid primary key,
  order_id uuid not null references orders,
  position int4 not null,
  food_id uuid not null,
  food_name text not null,
  quantity int4 not null check (quantity > 0),
  unit_price_cents int8 not null check (unit_price_cents >= 0),
  total_price_cents int8 not null check (total_price_cents >= 0),
  unique (order_id, food_id)
);

-- What each key of a user stands for. The same key is the same order, or a mistake.
create table if not exists idempotency_keys (
  user_id uuid not null,
  key text not null,
  request text not null,
  order_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (user_id, key)
);
create index if not exists idempotency_keys_old on idempotency_keys (created_at);
