import { z } from 'zod'
import { Price } from '../../shared/wire/money.ts'
import { optionalText, text } from '../../shared/wire/text.ts'

const Position = z.int().min(0).max(9_999)

export const NewRestaurant = z
  .strictObject({
    name: text(120),
    address: optionalText(200),
    cuisine: optionalText(60),
    is_open: z.boolean().default(true).describe('Whether it takes orders'),
  })
  .meta({
    id: 'NewRestaurant',
    examples: [{ name: 'Trattoria Ada', address: '1 Campus Square', cuisine: 'Italian' }],
  })
export type NewRestaurant = z.infer<typeof NewRestaurant>

export const Restaurant = z
  .object({
    restaurant_id: z.uuid(),
    owner_id: z.uuid(),
    name: z.string(),
    address: z.string(),
    cuisine: z.string(),
    is_open: z.boolean(),
    menu_version: z.int().describe('Grows with every change of the menu'),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Restaurant' })
export type Restaurant = z.infer<typeof Restaurant>

export const CategoryChange = z
  .strictObject({ name: text(80), position: Position.default(0).describe('Its place on the menu') })
  .meta({ id: 'CategoryChange', examples: [{ name: 'Starters', position: 1 }] })
export type CategoryChange = z.infer<typeof CategoryChange>
export const NewCategory = CategoryChange.extend({ restaurant_id: z.uuid() }).meta({
  id: 'NewCategory',
  examples: [{ restaurant_id: '5b0d2a52-3f0e-4c43-9d3a-4a7f2f6a1c11', name: 'Starters', position: 1 }],
})
export type NewCategory = z.infer<typeof NewCategory>

export const Category = z
  .object({ category_id: z.uuid(), restaurant_id: z.uuid(), name: z.string(), position: z.int() })
  .meta({ id: 'Category' })
export type Category = z.infer<typeof Category>

export const FoodChange = z
  .strictObject({
    category_id: z.uuid().describe('A category of the same restaurant'),
    name: text(120),
    description: optionalText(500),
    price: Price.describe('At most two decimals'),
    is_available: z.boolean().default(true),
  })
  .meta({
    id: 'FoodChange',
    examples: [
      { category_id: '0b6e6d6e-6a0b-4c6e-9a57-0f7a4b1f2c22', name: 'Pizza Margherita', price: 12.5 },
    ],
  })
export type FoodChange = z.infer<typeof FoodChange>
/** The restaurant is that of the category. */
export const NewFood = FoodChange.meta({ id: 'NewFood' })

export const Food = z
  .object({
    food_id: z.uuid(),
    restaurant_id: z.uuid(),
    category_id: z.uuid(),
    name: z.string(),
    description: z.string(),
    price: z.number(),
    is_available: z.boolean(),
  })
  .meta({ id: 'Food' })
export type Food = z.infer<typeof Food>

export const Availability = z
  .strictObject({ is_available: z.boolean() })
  .meta({ id: 'Availability', examples: [{ is_available: false }] })

export const Menu = z
  .object({
    restaurant_id: z.uuid(),
    name: z.string(),
    version: z.int(),
    categories: z.array(Category.extend({ foods: z.array(Food) })),
  })
  .meta({ id: 'Menu' })
export type Menu = z.infer<typeof Menu>

export const QuoteRequest = z
  .strictObject({ restaurant_id: z.uuid(), food_ids: z.array(z.uuid()).min(1).max(100) })
  .meta({ id: 'QuoteRequest' })
export const Quote = z
  .object({
    restaurant: z.object({
      restaurant_id: z.uuid(),
      name: z.string(),
      owner_id: z.uuid(),
      is_open: z.boolean(),
    }),
    foods: z
      .array(
        z.object({ food_id: z.uuid(), name: z.string(), price_cents: z.int(), is_available: z.boolean() }),
      )
      .describe('Those of the restaurant; what is missing is not on its menu'),
  })
  .meta({ id: 'Quote' })
export type Quote = z.infer<typeof Quote>
