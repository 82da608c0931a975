import { isIPv6 } from 'node:net'
import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { Problem } from '@lab/kit/problem.ts'
import { z } from 'zod'
import type { Counts, Orders } from '../redis/orders.ts'
import { PizzaOrder } from '../redis/schemas.ts'
import { PROGRESS, STATUSES } from '../redis/statuses.ts'
import { deliveryOf, Timeline, timelineOf } from './delivery.ts'
import { sendJson } from './order-routes.ts'
import { cached, stateJson, statisticsOf } from './state.ts'

export interface OverviewDeps {
  orders: Orders
  /** Wrong guesses of ids for tracking that a client has in a day. */
  guesses: number
  statistics: () => Promise<{ counts: Counts; completedToday: number }>
  /** Open WebSockets of this instance. */
  sockets: () => number
}

const DAY_SECONDS = 86_400
const NAMES = 100

const StateQuery = z.strictObject({
  include_completed: z
    .enum(['true', 'false'])
    .default('true')
    .transform((value) => value === 'true')
    .describe('Whether delivered orders are listed; they are counted anyway'),
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('Most orders of each status'),
})
const Statistics = z
  .object({
    total_orders: z.int(),
    active_deliveries: z.int(),
    completed_today: z.int(),
    ...Object.fromEntries(STATUSES.map((status) => [status, z.int()])),
  })
  .meta({ id: 'Statistics' })
const State = z
  .object({
    statistics: Statistics,
    orders_by_status: z.partialRecord(z.enum(STATUSES), z.array(PizzaOrder)),
    active_drivers: z.array(
      z.object({
        driver_name: z.string(),
        driver_phone: z.string().nullable(),
        order_id: z.uuid(),
        status: z.enum(STATUSES),
        dispatched_at: z.iso.datetime(),
      }),
    ),
    last_updated: z.iso.datetime(),
  })
  .meta({ id: 'State' })
const Figures = z
  .object({
    statistics: Statistics,
    websocket_connections: z.int().describe('Of this instance'),
    suppliers: z.array(
      z.object({
        supplier_name: z.string(),
        orders: z.int(),
        accepted: z.int(),
        rejected: z.int(),
        delivered: z.int(),
        revenue: z.number().describe('Of what was delivered'),
      }),
    ),
    drivers: z.array(
      z.object({
        driver_name: z.string(),
        dispatched: z.int(),
        delivered: z.int(),
        average_delivery_seconds: z.number().nullable(),
      }),
    ),
    timestamp: z.iso.datetime(),
  })
  .meta({ id: 'Metrics' })
const Tracked = z
  .object({
    tracking_id: z.string(),
    status: z.enum(STATUSES),
    progress_percentage: z.int(),
    estimated_arrival: z.iso.datetime().nullable(),
    timeline: Timeline,
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Tracked' })

/** What is seen of all orders at once, and of one by whoever has its id for tracking. */
export function overviewRoutes({ orders, guesses, statistics, sockets }: OverviewDeps): RoutePlugin {
  return async (app) => {
    const states = cached<string>()
    app.get(
      '/api/state',
      {
        schema: {
          summary: 'Statistics, orders by status, drivers on their way; up to 5 s old, as `Age` says',
          tags: ['overview'],
          querystring: StateQuery,
          response: { 200: State },
        },
      },
      async ({ query }, reply) => {
        const key = `${query.include_completed} ${query.limit}`
        const { value, ageSeconds } = await states(key, () => stateJson(orders, query))
        return sendJson(reply.header('age', ageSeconds).header('cache-control', 'no-store'), value)
      },
    )

    app.get(
      '/api/metrics',
      {
        schema: {
          summary: `Statistics, and figures of the ${NAMES} suppliers and drivers with the most orders`,
          tags: ['overview'],
          response: { 200: Figures },
        },
      },
      async () => {
        const [{ counts, completedToday }, { suppliers, drivers }] = await Promise.all([
          statistics(),
          orders.figures(NAMES),
        ])
        return {
          statistics: statisticsOf(counts, completedToday),
          websocket_connections: sockets(),
          suppliers: suppliers.map(([supplier_name, ...figures]) => {
            const [all, accepted, rejected, delivered, cents] = figures.map(Number) as [
              number,
              number,
              number,
              number,
              number,
            ]
            return {
              supplier_name: supplier_name!,
              orders: all,
              accepted,
              rejected,
              delivered,
              revenue: cents / 100,
            }
          }),
          drivers: drivers.map(([driver_name, ...figures]) => {
            const [dispatched, delivered, ms] = figures.map(Number) as [number, number, number]
            const average_delivery_seconds = delivered === 0 ? null : ms / delivered / 1_000
            return { driver_name: driver_name!, dispatched, delivered, average_delivery_seconds }
          }),
          timestamp: new Date().toISOString(),
        }
      },
    )

    // What is malformed is asked for as well: it is answered and counted as what is unknown is.
    const track = async (id: string, ip: string) => {
      const found = await orders.track(id, clientOf(ip), { guesses, seconds: DAY_SECONDS })
      if (found === undefined) throw new LabError('LAB_NOT_FOUND', 'No order has this id for tracking')
      if ('retrySeconds' in found)
        throw new LabError(
          'LAB_TOO_MANY_REQUESTS',
          'Too many unknown ids for tracking were asked for from here',
          {
            retryable: true,
            retryAfterSeconds: found.retrySeconds,
          },
        )
      const { order, meta } = found
      return {
        tracking_id: id,
        status: order.status,
        progress_percentage: PROGRESS[order.status] ?? 0,
        estimated_arrival: deliveryOf(order, meta)?.estimated_arrival ?? null,
        timeline: timelineOf(meta),
        created_at: order.created_at,
        updated_at: order.updated_at,
      }
    }
    const schema = (summary: string) => ({
      schema: {
        summary,
        tags: ['tracking'],
        params: z.object({ id: z.string().max(100) }),
        response: { 200: Tracked, 404: Problem, 429: Problem },
      },
    })
    const known = (pattern: RegExp, id: string) => (pattern.test(id) ? id : '')
    app.get('/api/track/:id', schema('An order by its 8 digits'), async ({ params, ip }) =>
      track(known(/^\d{8}$/, params.id), ip),
    )
    app.get('/api/track/supplier/:id', schema('An order by the id of its supplier'), async ({ params, ip }) =>
      track(known(/^SUP-[0-9A-Z]{8}$/, params.id.toUpperCase()), ip),
    )
  }
}

/** One who has an IPv6 address has at least 2^64 of them. */
export function clientOf(ip: string): string {
  if (!isIPv6(ip)) return ip
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1]
  if (mapped) return mapped
  const [head = '', tail = ''] = ip.split('::')
  const groups = head.split(':').filter(Boolean)
  const rest = tail.split(':').filter(Boolean)
  const zeros = ip.includes('::') ? Array(8 - groups.length - rest.length).fill('0') : []
  return `${[...groups, ...zeros, ...rest].slice(0, 4).join(':')}::/64`
}
