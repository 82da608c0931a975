import { NO_TABLE, TABLES, tableOf } from '../../../mqtt/topics.ts'
import { createOutgoing, MAX_OUTGOING, type Outgoing } from './outgoing.ts'
import { createTable, type ErrorLine, isFinal, type Row } from './table.ts'
import {
  type FoodEvent,
  MAX_FOOD,
  type Order,
  RECENT,
  readFood,
  readPresence,
  readState,
  type Table,
  type TableState,
} from './types.ts'

export type Connection =
  | { status: 'connecting' }
  | { status: 'connected' }
  /** It is tried again by itself. */
  | { status: 'offline'; reason: string }

export interface TableView {
  table: Table
  /** Whether a kitchen has told of this table: `pending` is not known yet, `none` is silence. */
  news: 'pending' | 'none' | 'told'
  active: Row[]
  finished: Row[]
}

export interface View {
  connection: Connection
  /** When the connection was lost that showed what is shown; undefined while there is one. */
  asOf: number | undefined
  /** How many kitchens are there; undefined as long as that is not known. */
  kitchens: number | undefined
  tables: TableView[]
  errors: ErrorLine[]
  /** What this page did not see happen. */
  missed: { finished: number; unlisted: number; newKitchen: boolean }
  /** For people who do not see the page: the last thing that changed while they were there. */
  announcement: string
}

export type Store = ReturnType<typeof createStore>

export interface Delivery {
  /** Whether the broker had kept it; false for what is published now. */
  isRetained: boolean
  /** How much longer the broker would have kept it. */
  expirySeconds?: number | undefined
}

export interface StoreDeps {
  now: () => number
  newId: () => string
  /** Survives a reload and ends with the window, so that no other window sends this one's orders. */
  storage: Pick<Storage, 'getItem' | 'setItem'>
}

/** After a subscription the retained messages come at once; what has not come by then is not there. */
const SETTLE_MS = 1_000
const PRESENCE_MS = 30_000
const MAX_ERRORS = 20
const NOTHING_MISSED = { finished: 0, unlisted: 0, newKitchen: false }

/** Everything the page knows. Nothing in here waits or connects: time passes when `tick` is called. */
export function createStore({ now, newId, storage }: StoreDeps) {
  const saved = load(storage)
  const outgoing = createOutgoing(saved.outgoing, now)
  const tables = new Map<number, ReturnType<typeof createTable>>(
    [NO_TABLE, ...TABLES].map((table) => [table, createTable(table, now)]),
  )
  const seen = saved.seen
  /** Tables whose next state tells what happened while this page was away. */
  const away = new Set<number>(tables.keys())
  const kitchens = new Map<string, number>()
  const refused: ErrorLine[] = []
  let connection: Connection = { status: 'connecting' }
  let connectedAt: number | undefined
  let asOf: number | undefined
  let missed = NOTHING_MISSED
  let announcement = ''
  const listeners = new Set<(view: View) => void>()

  function look(): View {
    const errors = [...refused, ...[...tables.values()].flatMap((table) => table.errors())]
    return {
      connection,
      asOf,
      kitchens: kitchensThere(),
      tables: TABLES.map(tableView),
      errors: errors.sort((a, b) => b.ts - a.ts).slice(0, MAX_ERRORS),
      missed,
      announcement,
    }
  }

  function show(): void {
    const view = look()
    for (const listener of listeners) listener(view)
  }

  function changed(): void {
    save(storage, { outgoing: outgoing.all(), seen })
    show()
  }

  function isSettled(): boolean {
    return connectedAt !== undefined && now() - connectedAt >= SETTLE_MS
  }

  function kitchensThere(): number | undefined {
    const there = [...kitchens.values()].filter((until) => until > now()).length
    return there > 0 || isSettled() ? there : undefined
  }

  function tableView(table: Table): TableView {
    const told = tables.get(table)!.rows()
    // By id: a list shows no order twice, whoever wrote the state.
    const byId = new Map([...outgoing.rowsOf(table), ...(told ?? [])].map((row) => [row.orderId, row]))
    const rows = [...byId.values()]
    return {
      table,
      news: told ? 'told' : isSettled() ? 'none' : 'pending',
      active: rows.filter((row) => !isFinal(row.status)),
      finished: rows.filter((row) => isFinal(row.status)),
    }
  }

  function receivedState(table: number, state: TableState): void {
    const wasAway = away.delete(table)
    if (!tables.get(table)!.takeState(state)) return
    for (const { orderId } of state.orders) outgoing.settle(orderId)
    compareWithSeen(table, state, wasAway)
  }

  /** Counts what was finished unseen. Of more than `RECENT` between two states, not all are listed. */
  function compareWithSeen(table: number, { epoch, finished }: TableState, wasAway: boolean): void {
    const before = seen[table]
    // After a reload it may be older than what was shown before: a broker that was killed forgets its last second.
    if (before && (epoch < before.epoch || (epoch === before.epoch && finished < before.finished))) return
    seen[table] = { epoch, finished }
    if (!before) return
    if (epoch > before.epoch) {
      missed = { ...missed, newKitchen: true }
      return
    }
    const meanwhile = finished - before.finished
    missed = {
      ...missed,
      finished: missed.finished + (wasAway ? meanwhile : 0),
      unlisted: missed.unlisted + Math.max(0, meanwhile - RECENT),
    }
  }

  function receivedFood(table: number, event: FoodEvent): void {
    outgoing.settle(event.orderId)
    if (!tables.get(table)!.takeFood(event)) return
    const { food, status, error = '' } = event
    const place = table === NO_TABLE ? '' : ` at table ${table}`
    announcement =
      status === 'ready' ? `${food} is ready${place}` : `Error${place}: ${food ? `${food}: ` : ''}${error}`
  }

  function receivedPresence(kitchen: string, text: string, { isRetained, expirySeconds }: Delivery): void {
    const isOnline = readPresence(text)?.status === 'online'
    const isFirst = !kitchensThere()
    const keptMs = expirySeconds === undefined ? PRESENCE_MS : expirySeconds * 1_000
    if (isOnline) kitchens.set(kitchen, now() + keptMs)
    else kitchens.delete(kitchen)
    // What the broker had kept may be older than its restart.
    if (isOnline && !isRetained) outgoing.kitchenHeard(isFirst)
  }

  return {
    /** Calls `listener` now and at every change, until what it answers is called. */
    subscribe(listener: (view: View) => void): () => void {
      listeners.add(listener)
      listener(look())
      return () => listeners.delete(listener)
    },

    /** Takes an order down; it is sent as soon as there is a broker. Answers why not, when it is not taken. */
    order(table: Table, typed: string): string | undefined {
      const food = typed.trim()
      if (food === '') return 'Type a food first'
      if (food.length > MAX_FOOD) return `A food has at most ${MAX_FOOD} characters`
      if (outgoing.isFull()) return `${MAX_OUTGOING} orders of this window wait: no more are taken`
      outgoing.add({ orderId: newId(), table, food, ts: now() })
      changed()
      return undefined
    },

    /** Only what no broker has been handed can be taken back. */
    takeBack(orderId: string): void {
      outgoing.takeBack(orderId)
      changed()
    },

    forgetMissed(): void {
      missed = NOTHING_MISSED
      changed()
    },

    /** The orders to be sent now. Each is noted as sent, and is due again later unless a kitchen shows it. */
    due(): Order[] {
      const due = outgoing.due()
      if (due.length > 0) changed()
      return due
    },

    /** The broker refuses the order itself: to send it again would be refused again. */
    refuse({ orderId, table, food }: Order, reason: string): void {
      if (!outgoing.settle(orderId)) return
      refused.push({ key: orderId, table, food, error: reason, ts: now(), times: 1 })
      if (refused.length > MAX_ERRORS) refused.shift()
      announcement = `${food} was refused: ${reason}`
      changed()
    },

    connecting(): void {
      connection = { status: 'connecting' }
      changed()
    },

    /** Connected and subscribed. */
    connected(): void {
      connection = { status: 'connected' }
      connectedAt = now()
      asOf = undefined
      kitchens.clear()
      for (const table of tables.keys()) away.add(table)
      outgoing.hold()
      changed()
    },

    offline(reason: string): void {
      if (connection.status === 'connected') asOf = now()
      connection = { status: 'offline', reason }
      connectedAt = undefined
      kitchens.clear()
      changed()
    },

    /** Whatever it is that came: what is no message of the kitchen changes nothing. */
    received(topic: string, text: string, delivery: Delivery): void {
      const [, kind, last = ''] = topic.split('/')
      if (kind === 'kitchens') receivedPresence(last, text, delivery)
      const state = kind === 'state' && readState(text)
      if (state) receivedState(tableOf(topic), state)
      const food = kind === 'foods' && readFood(text)
      if (food) receivedFood(tableOf(topic), food)
      changed()
    },

    /** To be called every second or so: a kitchen that is not heard of any more is gone, and silence becomes an answer. */
    tick(): void {
      show()
    },
  }
}

interface Saved {
  outgoing: Outgoing[]
  /** What the last state of each table was that this window has shown. */
  seen: Record<number, { epoch: number; finished: number }>
}

const STORAGE_KEY = 'restaurant'

function load(storage: StoreDeps['storage']): Saved {
  try {
    const { outgoing = [], seen = {} } = JSON.parse(storage.getItem(STORAGE_KEY) ?? '{}') as Partial<Saved>
    return { outgoing, seen }
  } catch {
    return { outgoing: [], seen: {} } // storage is switched off, or holds something else
  }
}

function save(storage: StoreDeps['storage'], saved: Saved): void {
  try {
    storage.setItem(STORAGE_KEY, JSON.stringify(saved))
  } catch {
    // Storage is switched off: what was not sent is gone with a reload.
  }
}
