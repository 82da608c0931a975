import { z } from 'zod'
import { OrderStatus } from '../../shared/events/events.ts'

export const MAX_LINES = 50
export const MAX_QUANTITY = 1_000

const money = z.number().describe('With two decimals')

export const NewOrder = z
  .strictObject({
    restaurant_id: z.uuid(),
    items: z
      .array(z.strictObject({ food_id: z.uuid(), quantity: z.int().min(1).max(MAX_QUANTITY) }))
      .min(1)
      .max(MAX_LINES)
      .describe('The same food twice is one line; names and prices are the menu’s'),
  })
  .meta({
    id: 'NewOrder',
    examples: [
      {
        restaurant_id: '5f0c7a52-6a3e-4f6e-9a1c-0d4f3c9b7e11',
        items: [{ food_id: '0b8f0c2e-3c57-4f2a-8a61-2f1f6d0a9d22', quantity: 2 }],
      },
    ],
  })
export type NewOrder = z.infer<typeof NewOrder>

export const Order = z
  .object({
    order_id: z.uuid(),
    user_id: z.uuid(),
    restaurant_id: z.uuid(),
    restaurant_name: z.string(),
    status: OrderStatus,
    reason: z.string().nullable().describe('Why it is cancelled'),
    total_amount: money.describe('The sum of the items, before tax'),
    items: z.array(
      z.object({
        order_item_id: z.uuid(),
        food_id: z.uuid(),
        food_name: z.string(),
        quantity: z.int(),
        unit_price: money,
        total_price: money,
      }),
    ),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Order' })
export type Order = z.infer<typeof Order>

export const REASONS = ['customer', 'restaurant', 'unpaid', 'stale'] as const
export const Cancel = z
  .strictObject({ reason: z.enum(REASONS).optional().describe('For other services') })
  .nullish()
  .meta({ id: 'Cancel', examples: [{}] })
