import { randomUUID } from 'node:crypto'
import { LabError } from '@lab/kit/errors.ts'
import { type Page, PageQuery, pageOf, unknownCursor } from '@lab/kit/paging.ts'
import { z } from 'zod'
import type { Db, Tx } from '../../shared/db/db.ts'
import { addToOutbox, columnsOf, newsAmong, type Outgoing } from '../../shared/db/outbox.ts'
import { type OrderEvent, type OrderPlaced, OrderStatus } from '../../shared/events/events.ts'
import type { Identity } from '../../shared/identity/identity.ts'
import { fromCents } from '../../shared/wire/money.ts'
import type { Quotes } from './quote.ts'
import { MAX_QUANTITY, type NewOrder, type Order } from './schemas.ts'

export interface OrdersDeps {
  db: Db
  quotes: Quotes
  /** What is told of an order; stored with it, or neither is. */
  placed: (order: OrderPlaced, traceparent?: string) => Outgoing
  cancelled: (orderId: string, at: string, traceparent?: string) => Outgoing
  /** Whose inbox it is. */
  consumer: string
}

export interface Placing {
  who: Identity
  order: NewOrder
  key?: string | undefined
  traceparent?: string | undefined
}

export const OrderQuery = PageQuery.extend({
  status: OrderStatus.optional().describe('Those in this status'),
  restaurant_id: z.uuid().optional().describe('Those of this restaurant'),
})
export type OrderQuery = z.infer<typeof OrderQuery>

interface Row {
  order_id: string
  user_id: string
  restaurant_id: string
  restaurant_name: string
  status: OrderStatus
  reason: string | null
  total_cents: number
  created_at: Date
  updated_at: Date
}

interface ItemRow {
  order_item_id: string
  food_id: string
  food_name: string
  quantity: number
  unit_price_cents: number
  total_price_cents: number
}

const COLUMNS =
  'order_id, user_id, restaurant_id, restaurant_name, status, reason, total_cents, created_at, updated_at'
/** With its tax on top no event of a bill has room for more. */
const MAX_CENTS = 909_090_908
/** Which statuses a status may follow. What is over stays over. */
const COMES_AFTER: Record<OrderStatus, OrderStatus[]> = {
  placed: [],
  preparing: ['placed'],
  ready: ['placed', 'preparing'],
  delivered: ['placed', 'preparing', 'ready'],
  cancelled: ['placed', 'preparing', 'ready'],
}

type StatusEvent = Extract<OrderEvent, { type: 'order.status_updated' }>

export type Orders = ReturnType<typeof createOrders>

export function createOrders({ db, quotes, placed, cancelled, consumer }: OrdersDeps) {
  async function itemsOf(tx: Pick<Db, 'query'>, orderIds: string[]): Promise<Map<string, ItemRow[]>> {
    const rows = await tx.query<ItemRow & { order_id: string }>(
      'select order_id, order_item_id, food_id, food_name, quantity, unit_price_cents, total_price_cents from order_items where order_id = any($1::uuid[]) order by order_id, position',
      [orderIds],
    )
    return Map.groupBy(rows, ({ order_id }) => order_id)
  }
  const orderOf = async (tx: Pick<Db, 'query'>, row: Row): Promise<Order> =>
    shown(row, (await itemsOf(tx, [row.order_id])).get(row.order_id) ?? [])

  /** The order that this key stands for already. */
  async function known(tx: Pick<Db, 'query'>, { who, key, order }: Placing): Promise<Order | undefined> {
    if (key === undefined) return undefined
    const [row] = await tx.query<Row & { request: string }>(
      `select k.request, ${COLUMNS.replaceAll(/\w+/g, 'o.$&')} from idempotency_keys k
       join orders o on o.order_id = k.order_id where k.user_id = $1 and k.key = $2`,
      [who.user_id, key],
    )
    if (!row) return undefined
    if (row.request !== textOf(order))
      throw new LabError('LAB_KEY_REUSED', `Idempotency-Key: '${key}' stands for another order`)
    return orderOf(tx, row)
  }

  return {
    /** Names and prices are those of the menu at this moment. The same key again is the same order. */
    async place(placing: Placing): Promise<{ order: Order; isNew: boolean }> {
      const { who, order, key, traceparent } = placing
      const before = await known(db, placing)
      if (before) return { order: before, isNew: false }
      const { event, restaurantName } = await priced(quotes, who, order)
      const stored = await store(db, event, {
        restaurantName,
        outgoing: placed(event, traceparent),
        ...(key !== undefined && { key, request: textOf(order) }),
      })
      if (stored) return { order: shown(stored, event.items), isNew: true }
      // Somebody sent the same at the same moment.
      return { order: (await known(db, placing))!, isNew: false }
    },

    async find(who: Identity, orderId: string): Promise<Order | undefined> {
      const [sees, values] = visibleTo(who)
      const [row] = await db.query<Row>(
        `select ${COLUMNS} from orders where order_id = $${values.length + 1} and ${sees}`,
        [...values, orderId],
      )
      return row && orderOf(db, row)
    },

    async list(who: Identity, { limit, cursor, status, restaurant_id }: OrderQuery): Promise<Page<Order>> {
      const [sees, values] = visibleTo(who)
      const wheres = [sees]
      const add = (condition: (at: string) => string, ...given: unknown[]) => {
        wheres.push(condition(given.map((_, at) => `$${values.length + at + 1}`).join(', ')))
        values.push(...given)
      }
      if (cursor !== undefined) add((at) => `(created_at, order_id) > (${at})`, ...readCursor(cursor))
      if (status !== undefined) add((at) => `status = ${at}`, status)
      if (restaurant_id !== undefined) add((at) => `restaurant_id = ${at}`, restaurant_id)
      const rows = await db.query<Row>(
        `select ${COLUMNS} from orders where ${wheres.join(' and ')}
         order by created_at, order_id limit ${limit + 1}`,
        values,
      )
      const page = pageOf(rows, limit, (last) => `${last.created_at.toISOString()}_${last.order_id}`)
      const items = await itemsOf(
        db,
        page.rows.map(({ order_id }) => order_id),
      )
      return { ...page, rows: page.rows.map((row) => shown(row, items.get(row.order_id) ?? [])) }
    },

    /** As long as no kitchen has begun. Twice is once. Only a service says why: of people it is told by who they are. */
    cancel: (who: Identity, orderId: string, why?: string, traceparent?: string): Promise<Order> =>
      db.transaction(async (tx) => {
        const [sees, values] = visibleTo(who)
        const [row] = await tx.query<Row>(
          `select ${COLUMNS} from orders where order_id = $${values.length + 1} and ${sees} for update`,
          [...values, orderId],
        )
        if (!row) throw new LabError('LAB_NOT_FOUND', `Order ${orderId} does not exist`)
        if (row.status === 'cancelled') return orderOf(tx, row)
        if (row.status !== 'placed')
          throw new LabError('LAB_CONFLICT', `An order that is ${row.status} cannot be cancelled any more`)
        const reason = why ?? (row.user_id === who.user_id ? 'customer' : 'restaurant')
        const updated_at = new Date()
        await tx.query(
          `update orders set status = 'cancelled', reason = $2, updated_at = $3 where order_id = $1`,
          [orderId, reason, updated_at],
        )
        await addToOutbox(tx, cancelled(orderId, updated_at.toISOString(), traceparent))
        return orderOf(tx, { ...row, status: 'cancelled', reason, updated_at })
      }),

    /** A kitchen begins: from now on nobody cancels the order. Of the two at the same moment its row lets one through. */
    begin: (orderId: string): Promise<void> =>
      db.transaction(async (tx) => {
        const begun = await tx.query(
          `update orders set status = 'preparing', updated_at = now() where order_id = $1 and status = 'placed' returning order_id`,
          [orderId],
        )
        if (begun.length > 0) return
        const [known] = await tx.query<Row>('select status from orders where order_id = $1', [orderId])
        if (!known) throw new LabError('LAB_NOT_FOUND', `Order ${orderId} does not exist`)
        if (known.status === 'cancelled') throw new LabError('LAB_CONFLICT', `Order ${orderId} was cancelled`)
      }),

    /** What kitchens say. What was heard before, or comes too late, changes nothing. */
    async follow(events: OrderEvent[]): Promise<void> {
      const some = events.filter(
        (event) => event.type === 'order.status_updated' && event.source !== consumer,
      ) as StatusEvent[]
      if (some.length === 0) return
      await db.transaction(async (tx) => {
        for (const { data } of await newsAmong(tx, consumer, some))
          await tx.query(
            `update orders set status = $2, updated_at = $3, reason = case when $2 = 'cancelled' then 'restaurant' end
             where order_id = $1 and status = any($4::text[])`,
            [data.order_id, data.status, data.updated_at, COMES_AFTER[data.status]],
          )
      })
    },

    /** Keys that are so old that nobody repeats them any more. */
    async forgetKeys(hours: number): Promise<number> {
      const rows = await db.query(
        `delete from idempotency_keys where created_at < now() - $1::float8 * interval '1 hour' returning key`,
        [hours],
      )
      return rows.length
    },
  }
}

/** The same food twice is one line. */
function linesOf({ items }: NewOrder): Map<string, number> {
  const lines = new Map<string, number>()
  for (const { food_id, quantity } of items) lines.set(food_id, (lines.get(food_id) ?? 0) + quantity)
  return lines
}

const textOf = (order: NewOrder) => JSON.stringify([order.restaurant_id, [...linesOf(order)].sort()])

async function priced(quotes: Quotes, who: Identity, order: NewOrder) {
  const lines = linesOf(order)
  const wrong = (field: string, message: string) =>
    new LabError('LAB_REQUEST_INVALID', `${field}: ${message}`, { errors: [{ field, message }] })
  const quote = await quotes.of(order.restaurant_id, [...lines.keys()])
  if (!quote) throw wrong('restaurant_id', 'there is no such restaurant')
  if (!quote.restaurant.is_open) throw new LabError('LAB_CONFLICT', `${quote.restaurant.name} is closed`)
  const items = [...lines].map(([food_id, quantity]) => {
    const field = `items.${order.items.findIndex((item) => item.food_id === food_id)}`
    const food = quote.foods.find((one) => one.food_id === food_id)
    if (!food) throw wrong(`${field}.food_id`, 'is not on the menu of this restaurant')
    if (!food.is_available) throw new LabError('LAB_CONFLICT', `${food.name} is not to be had now`)
    if (quantity > MAX_QUANTITY) throw wrong(`${field}.quantity`, `of one food at most ${MAX_QUANTITY}`)
    return {
      order_item_id: randomUUID(),
      food_id,
      food_name: food.name,
      quantity,
      unit_price_cents: food.price_cents,
      total_price_cents: food.price_cents * quantity,
    }
  })
  const total_cents = items.reduce((sum, { total_price_cents }) => sum + total_price_cents, 0)
  if (total_cents > MAX_CENTS) throw wrong('items', `come to more than ${fromCents(MAX_CENTS)}`)
  const { user_id, email } = who
  const { name: restaurantName, owner_id } = quote.restaurant
  const event: OrderPlaced = {
    order_id: randomUUID(),
    user_id,
    email,
    restaurant_id: order.restaurant_id,
    owner_id,
    items,
    total_cents,
    status: 'placed',
    created_at: new Date().toISOString(),
  }
  return { event, restaurantName }
}

interface Storing {
  restaurantName: string
  outgoing: Outgoing
  /** The Idempotency-Key, and what it stands for. */
  key?: string
  request?: string
}

/** One statement, and so one transaction: key, order, items and event are there, or none of them is. Undefined where the key is taken. */
async function store(tx: Tx, order: OrderPlaced, storing: Storing): Promise<Row | undefined> {
  const { order_id, user_id, email, restaurant_id, owner_id, total_cents, created_at } = order
  const { restaurantName, outgoing, key, request } = storing
  const items = order.items.map((item, position) => ({ ...item, position }))
  const { topic, key: subject, event } = outgoing
  const rows = await tx.query<Row>(key === undefined ? STORE : STORE_KEYED, [
    ...[order_id, user_id, email, restaurant_id, restaurantName, owner_id, total_cents, created_at],
    ...columnsOf(items, 'position', 'order_item_id', 'food_id', 'food_name', 'quantity'),
    ...columnsOf(items, 'unit_price_cents', 'total_price_cents'),
    ...[event.id, topic, subject, JSON.stringify(event)],
    ...(key === undefined ? [] : [key, request]),
  ])
  return rows[0]
}

const storeWhere = (condition: string) => `
  stored as (
    insert into orders (order_id, user_id, email, restaurant_id, restaurant_name, owner_id, total_cents, status, created_at, updated_at)
    select $1::uuid, $2::uuid, $3::text, $4::uuid, $5::text, $6::uuid, $7::int8, 'placed', $8::timestamptz, $8::timestamptz
    ${condition} returning ${COLUMNS}),
  lines as (
    insert into order_items (order_id, position, order_item_id, food_id, food_name, quantity, unit_price_cents, total_price_cents)
    select stored.order_id, item.* from stored,
      unnest($9::int4[], $10::uuid[], $11::uuid[], $12::text[], $13::int4[], $14::int8[], $15::int8[]) as item
    returning order_id),
  event as (
    insert into outbox (id, topic, key, payload)
    select $16::uuid, $17::text, $18::text, $19::text::jsonb from stored returning id)
  select ${COLUMNS} from stored`
const STORE = `with ${storeWhere('')}`
const STORE_KEYED = `with mine as (
    insert into idempotency_keys (user_id, key, request, order_id) values ($2, $20, $21, $1)
    on conflict (user_id, key) do nothing returning key), ${storeWhere('from mine')}`

/** Customers see their own orders, owners also those of their restaurants, kitchens those of theirs. */
function visibleTo({ role, user_id, restaurant_id }: Identity): [condition: string, values: unknown[]] {
  if (role === 'admin' || role === 'service') return ['true', []]
  if (role === 'kitchen') return ['(user_id = $1 or restaurant_id = $2)', [user_id, restaurant_id]]
  return ['(user_id = $1 or owner_id = $1)', [user_id]]
}

const CURSOR = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)_([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/

function readCursor(cursor: string): [at: string, id: string] {
  const [, at, id] = CURSOR.exec(cursor) ?? []
  if (at === undefined || id === undefined || Number.isNaN(Date.parse(at))) throw unknownCursor(cursor)
  return [at, id]
}

const shown = ({ total_cents, created_at, updated_at, ...row }: Row, items: ItemRow[]): Order => ({
  ...row,
  total_amount: fromCents(total_cents),
  created_at: created_at.toISOString(),
  updated_at: updated_at.toISOString(),
  items: items.map(
    ({ order_item_id, food_id, food_name, quantity, unit_price_cents, total_price_cents }) => ({
      order_item_id,
      food_id,
      food_name,
      quantity,
      unit_price: fromCents(unit_price_cents),
      total_price: fromCents(total_price_cents),
    }),
  ),
})
