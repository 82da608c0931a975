import { INITIAL_STOCK, type Stock } from '@lab/common/domain/stock.ts'

/** Enough stock for `orders` of one item each, taken in turn: the seed's 100 where that will do. */
export function stockFor(orders: number): Stock {
  // Each load starts over with the first item, so the three are not taken quite evenly.
  const each = Math.max(INITIAL_STOCK.burger, Math.ceil(orders / 3) + 10)
  return { burger: each, pizza: each, salad: each }
}

/** The stock as the `STOCK` variable of an inventory service. */
export const stockEnv = (stock: Stock): { STOCK: string } => ({
  STOCK: Object.entries(stock)
    .map(([item, count]) => `${item}=${count}`)
    .join(','),
})
