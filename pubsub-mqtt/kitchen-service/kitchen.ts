import { LabError } from '@lab/kit/errors.ts'
import type { Logger } from '@lab/kit/log.ts'
import type { Metrics } from '@lab/kit/metrics.ts'
import { ack, deadLetter, duplicate, type Outcome } from '@lab/kit/outcome.ts'
import type { Order } from '../mqtt/schemas.ts'
import type { Message } from '../mqtt/subscribe.ts'
import type { Cooking, OrderStore } from './order-store.ts'
import { readOrder } from './read-order.ts'

export interface KitchenDeps {
  orders: OrderStore
  /** Draws how long an order is cooked. */
  prepMs: () => number
  maxCooking: number
  queueLimit: number
  /** Committed: this table has changed, and foods may wait in the outbox. */
  onChange: (table: number) => void
  metrics: Metrics
  log: Logger
  now: () => number
}

const FULL = 'kitchen is full'
/** Answers that may wait for the broker; beyond it no order is taken, and the broker keeps them. */
const OUTBOX_LIMIT = 20_000
const RETRY_MS = 1_000

export type Kitchen = ReturnType<typeof createKitchen>

/** What there is room for while a transaction is open, and what it begins to cook. */
interface Room {
  places: number
  waiting: number
  begun: Cooking[]
}

/**
 * Cooks. Every order that `receive` has taken is finished once: its status and its food are committed together, by the
 * kitchen that holds it then, at the time it was due, whatever was killed in between.
 */
export function createKitchen(deps: KitchenDeps) {
  const { orders, prepMs, maxCooking, queueLimit, onChange, metrics, log, now } = deps
  const timers = new Map<string, NodeJS.Timeout>()
  let done: string[] = []
  let waiting = orders.waiting()
  let isClosed = false

  /**
   * Records messages of `restaurant/orders/<table>`, whatever they are, in one transaction. Throws when they could not be
   * recorded; then none is.
   */
  const receive = (messages: readonly Message[]): Outcome[] => {
    if (orders.outbox.depth() > OUTBOX_LIMIT)
      throw new LabError('LAB_OVERLOADED', 'too many answers wait for the broker', { retryable: true })
    const room: Room = { places: maxCooking - timers.size, waiting, begun: [] }
    const taken = orders.transaction(() => messages.map((message) => takeMessage(message, room)))
    waiting = room.waiting
    for (const order of room.begun) cook(order)
    for (const table of new Set(taken.map(({ table }) => table))) onChange(table)
    for (const { outcome, table, orderId } of taken) {
      const refused = outcome.kind === 'dead-letter'
      if (refused) metrics.orderReached('error')
      if (refused) log.warn({ orderId, table, reason: outcome.reason }, 'order refused')
      else log.info({ orderId, table, duplicate: outcome.kind === 'ack' && outcome.duplicate }, 'order taken')
    }
    return taken.map(({ outcome }) => outcome)
  }

  const takeMessage = ({ topic, body }: Message, room: Room) => {
    const read = readOrder(topic, body)
    if ('order' in read) return { ...read.order, outcome: takeOrder(read.order, room) }
    orders.addProblem(read.problem)
    return { ...read.problem, outcome: deadLetter(read.problem.error) }
  }

  const takeOrder = (order: Order, room: Room): Outcome => {
    const { orderId, table, food } = order
    const known = orders.find(orderId)
    if (known?.number === table && known.food === food) {
      orders.touch(known)
      return duplicate()
    }
    if (known !== undefined) {
      const error = 'invalid order: its orderId stands for another order'
      orders.addProblem({ table, orderId, food, error })
      return deadLetter(error)
    }
    if (room.places > 0) {
      room.places--
      room.begun.push(orders.insertCooking(order, prepMs()))
    } else if (room.waiting < queueLimit) {
      room.waiting++
      orders.insertWaiting(order)
    } else {
      orders.insertRefused(order, FULL)
      return deadLetter(FULL)
    }
    return ack()
  }

  const cook = ({ order_id, started_at, prep_ms }: Cooking) => {
    // A clock that was set back must not make it wait longer than it cooks.
    const left = Math.min(prep_ms, Math.max(0, started_at + prep_ms - now()))
    timers.set(order_id, setTimeout(ready, left, order_id))
  }

  const ready = (orderId: string) => {
    // What is ready in one turn of the event loop is committed together.
    if (done.push(orderId) === 1) setImmediate(finish)
  }

  const finish = () => {
    if (isClosed) return
    const orderIds = done
    done = []
    try {
      const { tables, begun } = orders.transaction(() => {
        const tables = orderIds.map((orderId) => orders.finish(orderId))
        const free = Math.max(0, maxCooking - (timers.size - orderIds.length))
        return { tables, begun: waiting === 0 ? [] : orders.startNext(free, prepMs) }
      })
      waiting -= begun.length
      for (const orderId of orderIds) timers.delete(orderId)
      for (const order of begun) cook(order)
      for (const [i, orderId] of orderIds.entries()) {
        const table = tables[i]
        if (table === undefined) continue
        metrics.orderReached('ready')
        log.info({ orderId, table }, 'food ready')
      }
      for (const table of new Set([...tables, ...begun.map(({ number }) => number)]))
        if (table !== undefined) onChange(table)
    } catch (err) {
      log.error({ err }, 'foods not stored: tried again')
      done.push(...orderIds)
      setTimeout(finish, RETRY_MS)
    }
  }

  /** Goes on with what this kitchen has in its store and does not cook: after a start, and after a take-over. */
  const resume = (): number => {
    const begun = orders.transaction(() => {
      const cooking = orders.cooking().filter(({ order_id }) => !timers.has(order_id))
      const free = maxCooking - timers.size - cooking.length
      return free > 0 ? [...cooking, ...orders.startNext(free, prepMs)] : cooking
    })
    waiting = orders.waiting()
    for (const order of begun) cook(order)
    return begun.length
  }

  return {
    receive,
    resume,
    cooking: () => timers.size,
    waiting: () => waiting,
    close: () => {
      isClosed = true
      for (const timer of timers.values()) clearTimeout(timer)
    },
  }
}
