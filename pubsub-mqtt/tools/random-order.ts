import { MENU } from '../mqtt/menu.ts'
import type { NewOrder } from './restaurant-orders.ts'

const FIRST_NAMES = [
  'Maya',
  'Liam',
  'Aisha',
  'Noah',
  'Sofia',
  'Kenji',
  'Emma',
  'Omar',
  'Chloe',
  'Mateo',
  'Ines',
  'Ravi',
]
const LAST_NAMES = [
  'Rodriguez',
  'Smith',
  'Khan',
  'Johnson',
  'Rossi',
  'Tanaka',
  'Müller',
  'Haddad',
  'Dubois',
  'Silva',
]
const INSTRUCTIONS = [
  'No onions',
  'Extra cheese',
  'Gluten free, please',
  'Nut allergy',
  'Dairy allergy',
  'Well done',
  'Dressing on the side',
  'Extra spicy',
  'No ice in the drinks',
  'Ring the bell twice',
]
const MAX_ITEMS = 4
const MAX_QUANTITY = 3

/** An order as a guest might place it: one to four different items of the menu, now and then with instructions. */
export function randomOrder(random: () => number): NewOrder {
  const below = (count: number) => Math.floor(random() * count)
  const one = (list: readonly string[]) => list[below(list.length)]!
  const customer_name = `${one(FIRST_NAMES)} ${one(LAST_NAMES)}`
  const wanted = new Set(Array.from({ length: 1 + below(MAX_ITEMS) }, () => MENU[below(MENU.length)]!))
  const items = [...wanted].map(({ name, cents }) => ({
    name,
    quantity: 1 + below(MAX_QUANTITY),
    price: cents / 100,
  }))
  return { customer_name, items, ...(random() < 0.4 && { special_instructions: one(INSTRUCTIONS) }) }
}
