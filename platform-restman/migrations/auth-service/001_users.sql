create table if not exists users (
  user_id uuid primary key default gen_random_uuid(),
  email text not null unique,
  role text not null default 'customer' check (role in ('customer', 'owner', 'kitchen', 'admin')),
  restaurant_id uuid check ((role = 'kitchen') = (restaurant_id is not null)),
  version int4 not null default 0,
  created_at timestamptz not null default now()
);
