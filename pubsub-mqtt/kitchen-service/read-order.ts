import { MAX_ORDER_BYTES, Order } from '../mqtt/schemas.ts'
import { NO_TABLE, tableOf } from '../mqtt/topics.ts'

/** What a message on `restaurant/orders/<table>` turned out to be. */
export type ReadOrder = { order: Order } | { problem: Problem }

export interface Problem {
  /** Where the sender listens: the table of its topic, else 0. */
  table: number
  /** What could be read of it, or ''. */
  orderId: string
  food: string
  error: string
}

const SHOWN = 100

/** Reads any message at all: one that is no order becomes a problem that can be answered. */
export function readOrder(topic: string, body: Buffer): ReadOrder {
  const table = tableOf(topic)
  const problem = (why: string, sent?: unknown): ReadOrder => {
    const { orderId, food } = (sent ?? {}) as Record<string, unknown>
    return { problem: { table, orderId: shown(orderId), food: shown(food), error: `invalid order: ${why}` } }
  }
  if (body.length > MAX_ORDER_BYTES) return problem(`larger than ${MAX_ORDER_BYTES} bytes`)
  let sent: unknown
  try {
    sent = JSON.parse(utf8.decode(body))
  } catch {
    return problem('not JSON')
  }
  if (table === NO_TABLE) return problem(`there is no table for ${topic.slice(0, SHOWN)}`, sent)
  const read = Order.safeParse(sent)
  if (!read.success) {
    const [issue] = read.error.issues
    return problem(`${issue?.path.join('.') || 'body'}: ${issue?.message}`, sent)
  }
  if (read.data.table !== table)
    return problem(`table: ${read.data.table} came on the topic of table ${table}`, sent)
  return { order: read.data }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

const shown = (value: unknown) => (typeof value === 'string' ? value.slice(0, SHOWN) : '')
