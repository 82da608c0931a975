import { type FoodEvent, RECENT, type TableState } from './types.ts'

/**
 * An order as the page shows it. `unsent`: typed here, and no broker has been handed it yet; `sent`: the broker has it,
 * and no kitchen has shown it yet; the others are the kitchen's own words.
 */
export interface Row {
  orderId: string
  food: string
  status: 'unsent' | 'sent' | 'waiting' | 'cooking' | 'ready' | 'error'
  ts: number
  prepMs?: number | undefined
  error?: string | undefined
}

export interface ErrorLine {
  key: string
  table: number
  food: string
  error: string
  ts: number
  /** How many were the same. */
  times: number
}

/** A food event that no later state knows of is forgotten after this. */
const UNLISTED_MS = 10_000

export const isFinal = (status: string): boolean => status === 'ready' || status === 'error'

/** What the kitchen has said of one table: its newest state, and the foods that came before the state that lists them. */
export function createTable(table: number, now: () => number) {
  let state: TableState | undefined
  const foods = new Map<string, { event: FoodEvent; at: number }>()

  return {
    /** Answers false when it is not newer than what is known, which then stays. */
    takeState(next: TableState): boolean {
      if (state && !isNewer(next, state)) return false
      if (state && next.epoch > state.epoch) foods.clear()
      state = next
      const statuses = new Map(next.orders.map((order) => [order.orderId, order.status]))
      for (const [key, { event, at }] of foods) {
        const isListed = isFinal(statuses.get(event.orderId) ?? '')
        if (isListed || now() - at > UNLISTED_MS) foods.delete(key)
      }
      return true
    },

    /** Answers false when it is known already. */
    takeFood(event: FoodEvent): boolean {
      const known = state?.orders.find((order) => order.orderId === event.orderId)
      if (known && isFinal(known.status)) return false
      foods.set(event.orderId || `${event.food} ${event.error}`, { event, at: now() })
      if (foods.size > RECENT) foods.delete(foods.keys().next().value!)
      return true
    },

    /** Newest first; undefined when nothing was said. */
    rows(): Row[] | undefined {
      const listed = (state?.orders ?? []).map((order): Row => {
        // An order never goes backwards: a state that is late is behind the food.
        const food = foods.get(order.orderId)?.event
        return food ? { ...order, status: food.status, prepMs: food.prepMs, error: food.error } : order
      })
      const ids = new Set(listed.map((row) => row.orderId))
      // Of an error that no state lists, it is not known whether it was of an order.
      const unlisted = [...foods.values()]
        .filter(({ event }) => event.status === 'ready' && !ids.has(event.orderId))
        .map(({ event, at }): Row => ({ ...event, ts: at }))
        .reverse()
      return state || unlisted.length > 0 ? [...unlisted, ...listed] : undefined
    },

    errors(): ErrorLine[] {
      const lines = new Map<string, ErrorLine>()
      const add = (
        { orderId, food, error = 'no food' }: Pick<Row, 'orderId' | 'food' | 'error'>,
        ts: number,
      ) => {
        const key = `${table} ${orderId} ${food} ${error}`
        const { ts: latest = 0, times = 0 } = lines.get(key) ?? {}
        lines.set(key, { key, table, food, error, ts: Math.max(ts, latest), times: times + 1 })
      }
      for (const entry of state?.errors ?? []) add(entry, entry.ts)
      for (const order of state?.orders ?? []) if (order.status === 'error') add(order, order.ts)
      for (const { event, at } of foods.values()) {
        const isListed = lines.has(`${table} ${event.orderId} ${event.food} ${event.error}`)
        if (event.status === 'error' && !isListed) add(event, at)
      }
      return [...lines.values()]
    },
  }
}

const isNewer = (a: TableState, b: TableState): boolean =>
  a.epoch > b.epoch || (a.epoch === b.epoch && a.seq > b.seq)
