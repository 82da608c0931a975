import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { z } from 'zod'
import { access, identityOf } from '../../shared/identity/guard.ts'
import type { Identity } from '../../shared/identity/identity.ts'
import {
  AnalyticsOrder,
  type createFigures,
  FoodSales,
  OrdersByStatus,
  type Period,
  Revenue,
  type Scope,
} from './figures.ts'

const DAY_MS = 86_400_000
const MAX_DAYS = 366
const DEFAULT_DAYS = 30
/** What the Date of the database holds. */
const [FIRST, LAST] = ['1970-01-01', '2149-06-06']

const date = z.iso
  .date()
  .refine((text) => text >= FIRST && text <= LAST, `must be from ${FIRST} to ${LAST}`)
  .optional()
const filter = {
  start_date: date.describe(`First day, in UTC; ${DEFAULT_DAYS} days before the last one by default`),
  end_date: date.describe('Last day, in UTC; today by default'),
  restaurant_id: z.uuid().optional().describe('Of this restaurant alone'),
}
const Filter = z.strictObject(filter)
const TopFoods = z.strictObject({
  ...filter,
  limit: z.coerce.number().int().min(1).max(100).default(10).describe('How many foods'),
})

/** The figures of all restaurants for an admin, of their own for owners. */
export function analyticsRoutes(figures: ReturnType<typeof createFigures>, now = Date.now): RoutePlugin {
  return async (app) => {
    const forOwners = access(['owner'])
    const read = (summary: string) => ({ summary, tags: ['analytics'], ...forOwners })

    app.get(
      '/api/analytics/top-foods',
      {
        schema: {
          ...read('The foods that most orders have'),
          querystring: TopFoods,
          response: { 200: z.array(FoodSales) },
        },
      },
      async (request) => {
        const { limit, ...query } = request.query
        return figures.topFoods(scopeOf(identityOf(request), query), periodOf(query, now()), limit)
      },
    )

    app.get(
      '/api/analytics/revenue',
      {
        schema: {
          ...read('What was billed and paid, in all, by restaurant and by day'),
          querystring: Filter,
          response: { 200: Revenue },
        },
      },
      async (request) =>
        figures.revenue(scopeOf(identityOf(request), request.query), periodOf(request.query, now())),
    )

    app.get(
      '/api/analytics/orders-by-status',
      {
        schema: {
          ...read('Orders by their status, in all and by restaurant and day'),
          querystring: Filter,
          response: { 200: OrdersByStatus },
        },
      },
      async (request) =>
        figures.ordersByStatus(scopeOf(identityOf(request), request.query), periodOf(request.query, now())),
    )

    const params = z.object({ order_id: z.uuid() })
    app.get(
      '/api/analytics/orders/:order_id',
      {
        schema: {
          summary: 'What is stored of one order',
          tags: ['analytics'],
          ...access(['service']),
          params,
          response: { 200: AnalyticsOrder },
        },
      },
      async ({ params: { order_id } }) => {
        const order = await figures.order(order_id)
        if (!order) throw new LabError('LAB_NOT_FOUND', `Order ${order_id} has not come to the analytics`)
        return order
      },
    )
  }
}

type Query = z.infer<typeof Filter>

const scopeOf = ({ role, user_id }: Identity, { restaurant_id }: Query): Scope => ({
  ...(role !== 'admin' && { owner_id: user_id }),
  ...(restaurant_id !== undefined && { restaurant_id }),
})

function periodOf({ start_date, end_date }: Query, now: number): Period {
  const end = end_date ?? dayOf(now)
  const start = start_date ?? dayOf(Math.max(Date.parse(end) - (DEFAULT_DAYS - 1) * DAY_MS, 0))
  const days = (Date.parse(end) - Date.parse(start)) / DAY_MS + 1
  const wrong =
    days < 1
      ? 'is after end_date'
      : days > MAX_DAYS
        ? `is more than ${MAX_DAYS} days before end_date`
        : undefined
  if (wrong !== undefined) {
    const errors = [{ field: 'start_date', message: wrong, value: start }]
    throw new LabError('LAB_REQUEST_INVALID', `start_date: ${wrong} (got ${start})`, { errors })
  }
  return { start_date: start, end_date: end }
}

const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10)
