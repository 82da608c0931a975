import { z } from 'zod'
import type { ClickHouse } from './clickhouse.ts'

/** Whose figures: of everything, of an owner's restaurants, of one restaurant. */
export interface Scope {
  owner_id?: string | undefined
  restaurant_id?: string | undefined
}

export interface Period {
  start_date: string
  end_date: string
}

const count = z.coerce.number().int()
const money = z.coerce.number().describe('With two decimals')
const date = z.iso.date()

export const FoodSales = z
  .object({
    food_id: z.string(),
    food_name: z.string().describe('As it was last sold'),
    restaurant_id: z.string(),
    order_count: count,
    quantity: count,
    revenue: money.describe('Before tax'),
  })
  .meta({ id: 'FoodSales' })

const revenue = { bill_count: count, subtotal: money, tax: money, revenue: money, paid: money }
export const Revenue = z
  .object({
    start_date: date,
    end_date: date,
    total: z.object(revenue),
    restaurants: z.array(z.object({ restaurant_id: z.string(), ...revenue })),
    days: z.array(z.object({ date, restaurant_id: z.string(), ...revenue })),
  })
  .meta({ id: 'Revenue' })

const inStatus = { status: z.string(), order_count: count, total_amount: money }
export const OrdersByStatus = z
  .object({
    statuses: z.array(z.object(inStatus)),
    days: z.array(z.object({ date, restaurant_id: z.string(), ...inStatus })),
  })
  .meta({ id: 'OrdersByStatus' })

export const AnalyticsOrder = z
  .object({
    order_id: z.string(),
    user_id: z.string(),
    restaurant_id: z.string(),
    status: z.string(),
    total_amount: money,
    item_count: count,
    items_total: money,
    bill_total: money.nullable(),
    bill_tax: money.nullable(),
    payment_status: z.string().nullable(),
  })
  .meta({ id: 'AnalyticsOrder' })

/** A cancelled order was sold to nobody, and its bill is nobody's revenue. */
const SOLD = `status != 'cancelled'`
const BILLED = `payment_status != 'cancelled'`
const IN_PERIOD = 'event_date BETWEEN {start: Date} AND {end: Date}'
const OF_OWNER = 'owner_id = {owner_id: String}'
const OF_RESTAURANT = 'restaurant_id = {restaurant_id: String}'

/** Every answer reads what is stored at that moment: each row once, in its last version. */
export function createFigures(clickhouse: Pick<ClickHouse, 'select'>) {
  const where = ({ owner_id, restaurant_id }: Scope) =>
    [IN_PERIOD, owner_id && OF_OWNER, restaurant_id && OF_RESTAURANT].filter(Boolean).join(' AND ')
  const parametersOf = (scope: Scope, { start_date: start, end_date: end }: Period) => ({
    ...scope,
    start,
    end,
  })

  /** The rows of one statement by what they are sums over: a restaurant's day, a restaurant, everything. */
  async function grouped(query: string, scope: Scope, period: Period) {
    const rows = await clickhouse.select<{ level: string }>(query, parametersOf(scope, period))
    const at = (level: string) => rows.filter((row) => row.level === level)
    return { days: at('0'), some: at('1'), all: at('3') }
  }

  return {
    async topFoods(scope: Scope, period: Period, limit: number) {
      const rows = await clickhouse.select<object>(
        `SELECT food_id, argMax(food_name, (created_at, order_id)) AS food_name, any(restaurant_id) AS restaurant_id,
           uniqExact(order_id) AS order_count, sum(quantity) AS quantity, sum(total_price) AS revenue
         FROM order_items FINAL
         INNER JOIN (SELECT order_id, restaurant_id FROM orders FINAL WHERE ${SOLD} AND ${where(scope)}) AS sold
           USING order_id
         GROUP BY food_id ORDER BY order_count DESC, quantity DESC, food_id LIMIT {limit: UInt32}`,
        { ...parametersOf(scope, period), limit },
      )
      return z.array(FoodSales).parse(rows)
    },

    async revenue(scope: Scope, period: Period) {
      const rows = await grouped(
        `SELECT toString(event_date) AS date, restaurant_id, count() AS bill_count, sum(subtotal) AS subtotal,
           sum(tax) AS tax, sum(total) AS revenue, sumIf(total, payment_status = 'paid') AS paid,
           toString(grouping(restaurant_id, event_date)) AS level
         FROM bills FINAL WHERE ${BILLED} AND ${where(scope)}
         GROUP BY GROUPING SETS ((restaurant_id, event_date), (restaurant_id), ())
         ORDER BY event_date, restaurant_id`,
        scope,
        period,
      )
      const none = { bill_count: 0, subtotal: 0, tax: 0, revenue: 0, paid: 0 }
      const { days, some, all } = rows
      return Revenue.parse({ ...period, total: all[0] ?? none, restaurants: some, days })
    },

    async ordersByStatus(scope: Scope, period: Period) {
      const { days, all } = await grouped(
        `SELECT toString(event_date) AS date, restaurant_id, status, count() AS order_count,
           sum(total_amount) AS total_amount, toString(grouping(restaurant_id, event_date)) AS level
         FROM orders FINAL WHERE ${where(scope)}
         GROUP BY GROUPING SETS ((status, restaurant_id, event_date), (status))
         ORDER BY event_date, restaurant_id, status`,
        scope,
        period,
      )
      return OrdersByStatus.parse({ statuses: all, days })
    },

    /** What is stored of one order, with its sums; nothing as long as it has not come. */
    async order(orderId: string): Promise<z.infer<typeof AnalyticsOrder> | undefined> {
      const [order] = await clickhouse.select<object>(
        `SELECT order_id, user_id, restaurant_id, status, total_amount,
           (SELECT count() FROM order_items FINAL WHERE order_id = {id: String}) AS item_count,
           (SELECT sum(total_price) FROM order_items FINAL WHERE order_id = {id: String}) AS items_total,
           (SELECT anyOrNull(total) FROM bills FINAL WHERE order_id = {id: String}) AS bill_total,
           (SELECT anyOrNull(tax) FROM bills FINAL WHERE order_id = {id: String}) AS bill_tax,
           (SELECT anyOrNull(payment_status) FROM bills FINAL WHERE order_id = {id: String}) AS payment_status
         FROM orders FINAL WHERE order_id = {id: String}`,
        { id: orderId },
      )
      return order && AnalyticsOrder.parse(order)
    },
  }
}
