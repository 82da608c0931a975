create table if not exists restaurants (
  restaurant_id uuid primary key default gen_random_uuid(),
  owner_id uuid not null,
  name text not null,
  address text not null,
  cuisine text not null,
  is_open bool not null,
  menu_version int4 not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index if not exists restaurants_by_age on restaurants (created_at, restaurant_id);

create table if not exists categories (
  category_id uuid primary key default gen_random_uuid(),
  restaurant_id uuid not null references restaurants on delete cascade,
  name text not null,
  position int4 not null,
  created_at timestamptz not null default now(),
  unique (restaurant_id, category_id)
);
create index if not exists categories_by_age on categories (restaurant_id, created_at, category_id);

create table if not exists foods (
  food_id uuid primary key default gen_random_uuid(),
  restaurant_id uuid not null references restaurants on delete cascade,
  category_id uuid not null,
  name text not null,
  description text not null,
  price_cents int4 not null check (price_cents >= 0),
  is_available bool not null,
  created_at timestamptz not null default now(),
  foreign key (restaurant_id, category_id) references categories (restaurant_id, category_id)
);
create index if not exists foods_by_age on foods (restaurant_id, created_at, food_id);
create index if not exists foods_by_category on foods (restaurant_id, category_id);
