/**
 * The three tables. A row is found by its id, not by when it came: whatever comes again, in a second delivery or a replay,
 * is the same row, and of two the one with the higher `version` stays. Reads say FINAL, for merging takes its time.
 */
export const TABLES = {
  orders: `CREATE TABLE IF NOT EXISTS orders (
    order_id String,
    user_id String,
    restaurant_id String,
    owner_id String,
    total_amount Decimal(10, 2),
    status String,
    created_at DateTime('UTC'),
    updated_at DateTime('UTC'),
    event_date Date,
    version UInt8
  ) ENGINE = ReplacingMergeTree(version)
  PARTITION BY toYYYYMM(event_date)
  ORDER BY order_id
  SETTINGS index_granularity = 1024`,
  order_items: `CREATE TABLE IF NOT EXISTS order_items (
    order_item_id String,
    order_id String,
    food_id String,
    food_name String,
    quantity Int32,
    unit_price Decimal(10, 2),
    total_price Decimal(10, 2),
    created_at DateTime('UTC'),
    event_date Date
  ) ENGINE = ReplacingMergeTree
  PARTITION BY toYYYYMM(event_date)
  ORDER BY (order_id, order_item_id)`,
  bills: `CREATE TABLE IF NOT EXISTS bills (
    bill_id String,
    order_id String,
    user_id String,
    restaurant_id String,
    owner_id String,
    subtotal Decimal(10, 2),
    tax Decimal(10, 2),
    total Decimal(10, 2),
    payment_status String,
    created_at DateTime('UTC'),
    paid_at Nullable(DateTime('UTC')),
    event_date Date,
    version UInt8
  ) ENGINE = ReplacingMergeTree(version)
  PARTITION BY toYYYYMM(event_date)
  ORDER BY (order_id, bill_id)
  SETTINGS index_granularity = 1024`,
} as const

/** Money as a decimal text, moments in seconds, dates in UTC. */
export interface OrderRow {
  order_id: string
  user_id: string
  restaurant_id: string
  owner_id: string
  total_amount: string
  status: string
  created_at: number
  updated_at: number
  event_date: string
  version: number
}

export interface OrderItemRow {
  order_item_id: string
  order_id: string
  food_id: string
  food_name: string
  quantity: number
  unit_price: string
  total_price: string
  created_at: number
  event_date: string
}

export interface BillRow {
  bill_id: string
  order_id: string
  user_id: string
  restaurant_id: string
  owner_id: string
  subtotal: string
  tax: string
  total: string
  payment_status: string
  created_at: number
  paid_at: number | null
  event_date: string
  version: number
}

export interface Rows {
  orders: OrderRow[]
  order_items: OrderItemRow[]
  bills: BillRow[]
}

/** Later in its life is higher: the row that comes last is not the one that happened last. */
export const ORDER_VERSION: Record<string, number> = {
  placed: 1,
  preparing: 2,
  ready: 3,
  delivered: 4,
  cancelled: 5,
}
export const BILL_VERSION: Record<string, number> = { unpaid: 1, paid: 2, cancelled: 3 }
