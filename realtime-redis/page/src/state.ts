import type { OrderEvent, PizzaOrder, StreamMessage } from '../../redis/schemas.ts'

export type { OrderEvent, PizzaOrder, StreamMessage }

/** Whether what is shown is the truth, and if not, why. */
export type Phase = 'connecting' | 'catching-up' | 'live' | 'stale' | 'offline'

interface Known {
  order: PizzaOrder
  version: number
}

/** What a click will have done, shown before the platform has said so. */
interface Hope {
  id: number
  changes: Partial<PizzaOrder>
  /** Of the order that was clicked on; anything newer is the truth. */
  version: number
}

export interface Notice {
  id: number
  text: string
}

export interface State {
  phase: Phase
  /** Undefined until there was a first snapshot. */
  epoch: string | undefined
  seq: number
  orders: ReadonlyMap<string, Known>
  hopes: ReadonlyMap<string, Hope>
  /** A snapshot of which parts are missing: nothing of it is shown. */
  arriving: Map<string, Known> | undefined
  /** Events that are still to come of those that were missed. */
  missing: number
  /** Events that were missed in the last absence and are known now. */
  caughtUp: number
  /** Newest first. */
  activity: readonly OrderEvent[]
  notices: readonly Notice[]
  /** Since when this may be old. */
  asOf: number | undefined
}

export type Action =
  | { type: 'opened' }
  | { type: 'received'; messages: readonly StreamMessage[]; at: number }
  | { type: 'closed'; at: number }
  | { type: 'hoped'; id: number; orderId: string; changes: Partial<PizzaOrder> }
  | { type: 'granted'; id: number; order: PizzaOrder }
  | { type: 'refused'; id: number; text: string }
  | { type: 'dismissed'; id: number }
  | { type: 'caught-up-dismissed' }

const MOST_ACTIVITY = 12
const MOST_NOTICES = 4

export const initialState: State = {
  phase: 'connecting',
  epoch: undefined,
  seq: 0,
  orders: new Map(),
  hopes: new Map(),
  arriving: undefined,
  missing: 0,
  caughtUp: 0,
  activity: [],
  notices: [],
  asOf: undefined,
}

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case 'opened':
      return { ...state, phase: 'catching-up', missing: 0, arriving: undefined }
    case 'received':
      return received(state, action)
    case 'closed':
      return { ...away(state, action.at), phase: 'offline', arriving: undefined, missing: 0 }
    case 'hoped': {
      const { id, orderId, changes } = action
      const known = state.orders.get(orderId)
      if (!known) return state
      const before = state.hopes.get(orderId)
      const version = before ? before.version + 1 : known.version
      return { ...state, hopes: new Map(state.hopes).set(orderId, { id, changes, version }) }
    }
    case 'granted':
      return withHope(state, action.id, (hope) => ({ ...hope, changes: action.order }))
    case 'refused':
      return {
        ...withHope(state, action.id, () => undefined),
        notices: [...state.notices, { id: action.id, text: action.text }].slice(-MOST_NOTICES),
      }
    case 'dismissed':
      return { ...state, notices: state.notices.filter(({ id }) => id !== action.id) }
    case 'caught-up-dismissed':
      return { ...state, caughtUp: 0 }
  }
}

function withHope(state: State, id: number, next: (hope: Hope) => Hope | undefined): State {
  const found = [...state.hopes].find(([, hope]) => hope.id === id)
  if (!found) return state
  const hopes = new Map(state.hopes)
  const changed = next(found[1])
  if (changed) hopes.set(found[0], changed)
  else hopes.delete(found[0])
  return { ...state, hopes }
}

/** An absence over several tries is one absence. */
const away = <S extends State>(state: S, at: number): S =>
  state.phase === 'live' ? { ...state, caughtUp: 0, asOf: at } : state

type Draft = State & { orders: Map<string, Known>; hopes: Map<string, Hope> }

/** Many messages make one state: a window that has missed thousands copies its orders once. */
function received(
  before: State,
  { messages, at }: { messages: readonly StreamMessage[]; at: number },
): State {
  let state: Draft = { ...before, orders: new Map(before.orders), hopes: new Map(before.hopes) }
  for (const message of messages) {
    switch (message.event_type) {
      case 'stream.stale':
        state = { ...away(state, at), phase: 'stale' }
        break
      case 'stream.live':
        settle(state)
        break
      case 'stream.resumed':
        state.missing = message.missed
        if (message.missed === 0) settle(state)
        break
      case 'stream.snapshot':
        arrive(state, message)
        break
      default:
        happen(state, message)
    }
  }
  return state
}

function settle(state: Draft): void {
  state.phase = 'live'
  state.asOf = undefined
}

function happen(state: Draft, event: OrderEvent): void {
  if (event.seq <= state.seq) return
  state.seq = event.seq
  state.activity = [event, ...state.activity].slice(0, MOST_ACTIVITY)
  const { order, order_version: version } = event
  if (version > (state.orders.get(order.id)?.version ?? 0)) state.orders.set(order.id, { order, version })
  if (version > (state.hopes.get(order.id)?.version ?? version)) state.hopes.delete(order.id)
  if (state.missing === 0) return
  state.caughtUp += 1
  state.missing -= 1
  if (state.missing === 0) settle(state)
}

/** What the platform has is all there is, whatever was known before. */
function arrive(state: Draft, snapshot: StreamMessage & { event_type: 'stream.snapshot' }): void {
  const { epoch, seq, orders, more } = snapshot
  state.arriving ??= new Map()
  for (const { order, order_version: version } of orders) state.arriving.set(order.id, { order, version })
  if (more) return
  const isSame = epoch === state.epoch
  state.caughtUp = isSame ? state.caughtUp + Math.max(0, seq - state.seq) : 0
  state.activity = isSame ? state.activity.filter((event) => event.seq <= seq) : []
  state.orders = state.arriving
  for (const [id, hope] of state.hopes)
    if (!isSame || state.orders.get(id)?.version !== hope.version) state.hopes.delete(id)
  Object.assign(state, { epoch, seq, arriving: undefined })
  settle(state)
}

/** An order as it will be if each click is granted. */
export interface ShownOrder extends PizzaOrder {
  /** The platform has not answered the last click yet: it may know nothing of what is shown. */
  isHoped?: boolean
}

/** Every order, newest first. */
export function shownOrders({ orders, hopes }: Pick<State, 'orders' | 'hopes'>): ShownOrder[] {
  return [...orders.values()]
    .map(({ order }) => {
      const changes = hopes.get(order.id)?.changes
      // The platform answers with the whole order.
      return { ...order, ...changes, isHoped: changes !== undefined && changes.id === undefined }
    })
    .sort((a, b) =>
      a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : a.id < b.id ? 1 : -1,
    )
}
