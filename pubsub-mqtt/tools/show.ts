import type { CustomerOrder } from '../mqtt/schemas.ts'

export const RULE = '='.repeat(50)
export const LINE = '-'.repeat(30)

/** The facts of an order, a line each. */
export const orderLines = ({ customer_name, items, total_amount, special_instructions }: CustomerOrder) => [
  `   Customer: ${customer_name}`,
  `   Items: ${items.length}`,
  ...items.map(({ name, quantity, price }) => `     ${quantity} × ${name} at $${price.toFixed(2)}`),
  `   Total: $${total_amount.toFixed(2)}`,
  ...(special_instructions ? [`   Instructions: ${special_instructions}`] : []),
]
