import type { Status } from './statuses.ts'

/** The channel of the seed: every event, to whoever listens at that moment. */
export const CHANNEL = 'pizza_orders'

/** Everything this part keeps in Redis; `users.acl` allows these names and no others. One Redis, no Cluster: scripts make keys. */
export const keys = {
  /** An order as the wire shows it, JSON. */
  order: (id: string) => `order:${id}`,
  /** What the wire does not show of an order: its version, its ids for tracking, the moments of its delivery. */
  meta: (id: string) => `order:${id}:meta`,
  /** Ids of all orders, and of those in a status; scores are the numbers of the orders. */
  all: 'orders:all',
  status: (status: Status) => `orders:status:${status}`,
  /** How many were delivered on a day, for as long as anybody may ask. */
  completed: (day: string) => `orders:completed:${day}`,
  /** The order that an Idempotency-Key stands for, and the answer to a batch. */
  command: (key: string) => `orders:key:${key}`,
  batch: (id: string) => `orders:batch:${id}`,
  /** Figures by name, as sorted sets. */
  figures: (name: string) => `orders:figures:${name}`,
  tracking: (id: string) => `track:${id}`,
  guesses: (client: string) => `track:guesses:${client}`,
  /** The events, entry `<seq>-0`; the last seq; and which data set this is. */
  stream: 'stream:pizza_orders',
  seq: 'stream:seq',
  epoch: 'stream:epoch',
} as const
