import { z } from 'zod'
import { hundredths } from './prices.ts'
import { EVENT_TYPES, STATUSES } from './statuses.ts'

const text = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((value) => value.isWellFormed() && !value.includes('\0'), 'is not Unicode text')

export const Name = text(100)
export const Notes = text(500)
export const Address = text(300)
export const Phone = text(40)
export const Minutes = z.number().int().min(1).max(1_440)
export const OrderId = z.uuid().toLowerCase()

const twoDecimals = (max: number) =>
  z
    .number()
    .min(0)
    .max(max)
    .refine((amount) => hundredths(amount) !== undefined, 'has more than two decimals')
export const Price = twoDecimals(10_000).refine((amount) => amount > 0, 'must be more than 0')
export const Markup = twoDecimals(1_000).default(30).describe('Percent')

export const PizzaOrder = z
  .object({
    id: z.uuid(),
    supplier_name: z.string(),
    pizza_name: z.string(),
    supplier_price: z.number(),
    customer_price: z.number().nullable().describe('Set when the customer accepts'),
    markup_percentage: z.number(),
    status: z.enum(STATUSES),
    customer_name: z.string().nullable(),
    delivery_address: z.string().nullable(),
    driver_name: z.string().nullable(),
    estimated_delivery_time: z.number().nullable().describe('Minutes'),
    supplier_notes: z.string().nullable(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'PizzaOrder' })
export type PizzaOrder = z.infer<typeof PizzaOrder>

export const NewOrder = z
  .strictObject({
    supplier_name: Name,
    pizza_name: Name,
    supplier_price: Price,
    markup_percentage: Markup,
  })
  .meta({
    id: 'NewOrder',
    examples: [
      {
        supplier_name: 'Pizza Palace',
        pizza_name: 'Margherita',
        supplier_price: 10,
        markup_percentage: 30,
      },
    ],
  })
export type NewOrder = z.infer<typeof NewOrder>

/** On the channel, in the stream and on WebSockets. */
export const OrderEvent = z
  .object({
    event_type: z.enum(EVENT_TYPES),
    order: PizzaOrder,
    timestamp: z.iso.datetime(),
    seq: z.int().min(1).describe('Without gaps over all events of an epoch'),
    order_version: z.int().min(1).describe('Without gaps over the events of an order'),
    correlation_id: z.string().optional().describe('Of the batch it was part of'),
  })
  .meta({ id: 'OrderEvent' })
export type OrderEvent = z.infer<typeof OrderEvent>

const Epoch = z.string().describe('Which data set this is; of another one nothing that was shown holds')
const Seq = z.int().min(0)

export const StreamResumed = z
  .object({
    event_type: z.literal('stream.resumed'),
    epoch: Epoch,
    seq: Seq.describe('Of the last event there is'),
    missed: z.int().min(0).describe('Events that follow before live ones do'),
  })
  .meta({ id: 'StreamResumed' })
export const StreamSnapshot = z
  .object({
    event_type: z.literal('stream.snapshot'),
    epoch: Epoch,
    seq: Seq.describe('Events after this one follow'),
    orders: z.array(z.object({ order: PizzaOrder, order_version: z.int() })),
    more: z.boolean().describe('Whether another part of the snapshot follows'),
  })
  .meta({ id: 'StreamSnapshot' })
export const StreamStale = z
  .object({ event_type: z.literal('stream.stale').describe('What is shown may be old: Redis is away') })
  .meta({ id: 'StreamStale' })
export const StreamLive = z
  .object({ event_type: z.literal('stream.live'), seq: Seq })
  .meta({ id: 'StreamLive' })

/** All that a WebSocket says to a client that says where it was. */
export type StreamMessage =
  | OrderEvent
  | z.infer<typeof StreamResumed | typeof StreamSnapshot | typeof StreamStale | typeof StreamLive>
