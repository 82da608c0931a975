import { z } from 'zod'
import { ITEMS, type Item, type PlaceOrder } from './order.ts'

export const Stock = z
  .object({ burger: z.int().min(0), pizza: z.int().min(0), salad: z.int().min(0) })
  .meta({ id: 'Stock', examples: [{ burger: 98, pizza: 100, salad: 100 }] })
export type Stock = z.infer<typeof Stock>

export const INITIAL_STOCK: Stock = { burger: 100, pizza: 100, salad: 100 }

export type StockDecision =
  | { status: 'reserved'; left: number }
  | { status: 'failed'; reason: 'out_of_stock' }

/** Decides one order against what is left of its item. Stock never goes negative: all of an order is reserved, or none. */
export function decide(left: number, { quantity }: Pick<PlaceOrder, 'quantity'>): StockDecision {
  if (quantity > left) return { status: 'failed', reason: 'out_of_stock' }
  return { status: 'reserved', left: left - quantity }
}

const isItem = (name: string): name is Item => (ITEMS as readonly string[]).includes(name)

/** Reads `burger=100,pizza=50`; items not named keep the seed's 100. Throws an error that names the wrong part. */
export function parseStock(text: string): Stock {
  const stock = { ...INITIAL_STOCK }
  for (const part of text.split(',').filter((part) => part.trim() !== '')) {
    const [name = '', count = ''] = part.split('=').map((side) => side.trim())
    if (!isItem(name))
      throw new Error(`'${part.trim()}': unknown item '${name}', known are ${ITEMS.join(', ')}`)
    if (!/^\d{1,15}$/.test(count))
      throw new Error(`'${part.trim()}': '${count}' is not a whole number of 0 or more`)
    stock[name] = Number(count)
  }
  return stock
}
