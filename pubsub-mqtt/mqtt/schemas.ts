import { z } from 'zod'
import { NO_TABLE, TABLES } from './topics.ts'

/** Longest payload of one order, in bytes. */
export const MAX_ORDER_BYTES = 4 * 1024
export const MAX_CUSTOMER_ORDER_BYTES = 16 * 1024

const at = z.int().min(0).describe('Milliseconds since the epoch')
const Id = z.uuid().toLowerCase()
const Food = z.string().trim().min(1).max(100).describe('Free text, 1 to 100 characters once trimmed')
const AnyTable = z.literal([NO_TABLE, ...TABLES])

/** On `restaurant/orders/<table>`. `table` is the one of the topic; a field more than these is not looked at. */
export const Order = z
  .object({ orderId: Id, table: z.literal(TABLES), food: Food, ts: at })
  .meta({ id: 'Order' })
export type Order = z.infer<typeof Order>

/** On `restaurant/foods/<table>`. Of a message that was no order, `orderId` and `food` are what could be read of it, or ''. */
export const FoodEvent = z
  .object({
    orderId: z.string(),
    table: AnyTable,
    food: z.string(),
    status: z.enum(['ready', 'error']),
    prepMs: z.int().min(0).optional().describe('How long it was cooked; only when ready'),
    error: z.string().optional().describe('Why there is no food; only when error'),
  })
  .meta({ id: 'FoodEvent' })
export type FoodEvent = z.infer<typeof FoodEvent>

/** An order as the kitchen has it. It goes waiting → cooking → ready, or is an error at once; never backwards. */
export const KitchenOrder = z
  .object({
    orderId: Id,
    food: z.string(),
    status: z.enum(['waiting', 'cooking', 'ready', 'error']),
    ts: at.describe('The order’s own time'),
    startedAt: at.optional().describe('When the kitchen began to cook it, by the kitchen’s clock'),
    prepMs: z.int().min(0).optional(),
    error: z.string().optional(),
  })
  .meta({ id: 'KitchenOrder' })
export type KitchenOrder = z.infer<typeof KitchenOrder>

/**
 * On `restaurant/state/<table>`, retained. A state is newer than another when its `epoch` is higher, or equal with a higher
 * `seq`; an older one is to be dropped. A higher epoch is a kitchen with a new memory. It holds all orders that are not
 * finished and the last `RECENT` finished ones, newest change first. `finished` counts all that ever were: a client that
 * saw n and now sees m missed none as long as m - n <= RECENT.
 */
export const TableState = z
  .object({
    epoch: at.describe('When the kitchen’s memory was made'),
    seq: z.int().min(0).describe('Changes of this table in this epoch'),
    table: AnyTable,
    finished: z.int().min(0).describe('Orders finished at this table in this epoch'),
    orders: z.array(KitchenOrder),
    errors: z
      .array(z.object({ orderId: z.string(), food: z.string(), error: z.string(), ts: at }))
      .describe('The last messages that were no order, newest first'),
  })
  .meta({ id: 'TableState' })
export type TableState = z.infer<typeof TableState>
export const RECENT = 50

/** On `restaurant/kitchens/<kitchen>`, retained for as long as a kitchen renews it. */
export const KitchenPresence = z
  .object({
    kitchen: z.string(),
    status: z.enum(['online', 'offline']),
    epoch: at.describe('Which memory it works on'),
    since: at.describe('When its process started'),
    ts: at,
  })
  .meta({ id: 'KitchenPresence' })
export type KitchenPresence = z.infer<typeof KitchenPresence>

/** Whole cents of an amount the wire shows in decimals; undefined when it is no whole number of cents. */
export function centsOf(amount: number): number | undefined {
  const cents = Math.round(amount * 100)
  return Math.abs(cents / 100 - amount) < 1e-9 ? cents : undefined
}

const Money = z
  .number()
  .min(0)
  .max(1_000_000)
  .refine((amount) => centsOf(amount) !== undefined, 'must be whole cents')

export const CustomerOrderItem = z.object({
  name: z.string().trim().min(1).max(100),
  quantity: z.int().min(1).max(100),
  price: Money.describe('Of one'),
})
export type CustomerOrderItem = z.infer<typeof CustomerOrderItem>

export const totalCents = (items: readonly { quantity: number; price: number }[]): number =>
  items.reduce((sum, { quantity, price }) => sum + quantity * Math.round(price * 100), 0)

/** On `restaurant/orders`. */
export const CustomerOrder = z
  .object({
    order_id: Id,
    customer_name: z.string().trim().min(1).max(100),
    items: z.array(CustomerOrderItem).min(1).max(50),
    total_amount: Money,
    special_instructions: z.string().trim().max(500).optional(),
    timestamp: z.iso.datetime({ offset: true }),
  })
  .refine(({ items, total_amount }) => totalCents(items) === Math.round(total_amount * 100), {
    path: ['total_amount'],
    error: 'is not the sum of the items',
  })
  .meta({ id: 'CustomerOrder' })
export type CustomerOrder = z.infer<typeof CustomerOrder>
