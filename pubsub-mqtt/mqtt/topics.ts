/** Every topic of the restaurant. No import here: the page bundles this file as it is. */

export const TABLES = [1, 2, 3, 4] as const
export type Table = (typeof TABLES)[number]

/** Where errors go that belong to no table. */
export const NO_TABLE = 0

/** A table’s orders, page → kitchen. QoS 1, not retained. */
export const ordersTopic = (table: number) => `restaurant/orders/${table}`
export const EVERY_TABLES_ORDERS = 'restaurant/orders/+'
/** As kitchens subscribe to them: each order goes to one of the kitchens. */
export const SHARED_ORDERS = `$share/kitchens/${EVERY_TABLES_ORDERS}`

/** What became of an order, kitchen → page: once per order, `ready` or `error`. QoS 1, not retained. */
export const foodsTopic = (table: number) => `restaurant/foods/${table}`
export const EVERY_TABLES_FOODS = 'restaurant/foods/+'

/** Everything the kitchen knows of a table. QoS 1, retained: whoever subscribes has it at once. */
export const stateTopic = (table: number) => `restaurant/state/${table}`
export const EVERY_TABLES_STATE = 'restaurant/state/+'

/** Whether a kitchen is there. QoS 1, retained, and the kitchen’s last will. */
export const kitchenTopic = (kitchen: string) => `restaurant/kitchens/${kitchen}`
export const EVERY_KITCHEN = 'restaurant/kitchens/+'

/** Customer orders with items and totals, for the order desk. QoS 1, not retained. */
export const CUSTOMER_ORDERS = 'restaurant/orders'

/** The table a topic names: 1 to 4, or `NO_TABLE`. */
export function tableOf(topic: string): Table | typeof NO_TABLE {
  const last = topic.slice(topic.lastIndexOf('/') + 1)
  return TABLES.find((table) => String(table) === last) ?? NO_TABLE
}
