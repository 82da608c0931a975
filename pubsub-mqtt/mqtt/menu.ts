/** The seven categories of the menu, in the order in which it is printed. */
export const CATEGORIES = ['Pizza', 'Salad', 'Burger', 'Pasta', 'Sides', 'Drinks', 'Dessert'] as const
export type Category = (typeof CATEGORIES)[number]

export interface MenuItem {
  name: string
  category: Category
  /** Of one, in cents. */
  cents: number
}

const items = (category: Category, prices: Record<string, number>): MenuItem[] =>
  Object.entries(prices).map(([name, cents]) => ({ name, category, cents }))

/** What the order generator orders from, and by what the order desk knows the category of an item. */
export const MENU: readonly MenuItem[] = [
  ...items('Pizza', {
    'Margherita Pizza': 1_299,
    'Pepperoni Pizza': 1_499,
    'Vegetarian Pizza': 1_399,
    'Hawaiian Pizza': 1_449,
  }),
  ...items('Salad', { 'Caesar Salad': 899, 'Greek Salad': 949, 'Garden Salad': 799 }),
  ...items('Burger', {
    'Classic Burger': 1_099,
    'Cheese Burger': 1_199,
    'Bacon Burger': 1_299,
    'Veggie Burger': 1_149,
  }),
  ...items('Pasta', { 'Spaghetti Carbonara': 1_349, 'Penne Arrabbiata': 1_199, 'Lasagne al Forno': 1_449 }),
  ...items('Sides', { 'French Fries': 399, 'Onion Rings': 449, 'Garlic Bread': 349, Coleslaw: 299 }),
  ...items('Drinks', { Cola: 249, Lemonade: 299, 'Iced Tea': 279, 'Sparkling Water': 199, Coffee: 249 }),
  ...items('Dessert', { Tiramisu: 649, Cheesecake: 599, 'Chocolate Brownie': 499, 'Ice Cream': 449 }),
]

const byName = new Map(MENU.map((item) => [item.name.toLowerCase(), item.category]))

/** The category of an item by its name; 'Other' for what is not on the menu. */
export const categoryOf = (name: string): Category | 'Other' => byName.get(name.toLowerCase()) ?? 'Other'
