import { z } from 'zod'
import type { Meta } from '../redis/orders.ts'
import type { PizzaOrder } from '../redis/schemas.ts'
import { PROGRESS, STATUSES } from '../redis/statuses.ts'

/** What is promised where the supplier promised nothing. */
const USUAL_MINUTES = 30

const moment = z.iso.datetime().nullable()
export const Timeline = z
  .object({ dispatched_at: moment, in_transit_at: moment, delivered_at: moment })
  .meta({ id: 'Timeline' })
export const Delivery = z
  .object({
    order_id: z.uuid(),
    current_status: z.enum(STATUSES),
    driver_name: z.string().nullable(),
    driver_phone: z.string().nullable(),
    progress_percentage: z.int(),
    estimated_arrival: z.iso.datetime(),
    timeline: Timeline,
  })
  .meta({ id: 'Delivery' })

const iso = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString())

export const timelineOf = ({ at }: Meta) => ({
  dispatched_at: iso(at.dispatched),
  in_transit_at: iso(at.in_transit),
  delivered_at: iso(at.delivered),
})

/** Undefined before it is dispatched, which a cancelled order never was. */
export function deliveryOf(order: PizzaOrder, meta: Meta): z.infer<typeof Delivery> | undefined {
  const progress = PROGRESS[order.status]
  const { dispatched } = meta.at
  if (progress === undefined || dispatched === undefined) return undefined
  const minutes = order.estimated_delivery_time ?? USUAL_MINUTES
  return {
    order_id: order.id,
    current_status: order.status,
    driver_name: order.driver_name,
    driver_phone: meta.driverPhone,
    progress_percentage: progress,
    estimated_arrival: new Date(dispatched + minutes * 60_000).toISOString(),
    timeline: timelineOf(meta),
  }
}
