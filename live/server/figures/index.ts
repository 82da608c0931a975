import { ITEMS, type Item } from '@lab/common/domain/order.ts'
import { messageOf } from '@lab/kit/errors.ts'
import { pause } from '@lab/kit/wait.ts'
import { request } from 'undici'
import type { Figures, FiguresHistory, GroupFigures, LaneFigures, QueueFigures } from '../../wire/figures.ts'
import type { LaneSource } from '../flow/lanes.ts'
import type { OrderUpdate } from '../flow/order-stream.ts'
import { LampState, orderReading, type Reading, stockReading } from './lamps.ts'
import { OrderList } from './orders.ts'
import { countersOf, readService, readStock, type ServiceReading } from './services.ts'
import { trendOf } from './trend.ts'

const EVERY_MS = 1_000
/** While nobody looks: enough for a history, and next to nothing for the services. */
const RESTING_MS = 5_000
/** A quarter of an hour of seconds. */
const POINTS = 900
const DEAD_ASKED = 100
const CALL_MS = 3_000
/** No blocking call is in flight for longer. */
const LONGEST_CALL_MS = 60_000

export interface FiguresDeps {
  lanes: readonly LaneSource[]
  publish: (figures: Figures) => void
  watching: () => number
  sources: (lane: string) => Record<string, string>
}

type Role = 'intake' | 'inventory' | 'third'
type QueueReader = { read: () => Promise<Omit<QueueFigures, 'trend'>[]>; close: () => Promise<void> }
type GroupReader = { read: () => Promise<Omit<GroupFigures, 'trend'>[]>; close: () => Promise<void> }

interface Watched {
  lane: LaneSource
  orders: OrderList
  queues: QueueReader | undefined
  groups: GroupReader | undefined
  lamps: { orders: LampState; stock: LampState }
  initial: Record<Item, number> | undefined
  counters: { at: number; accepted?: number; decided?: number; third?: number } | undefined
}

/** Reads every figure once a second while somebody looks, keeps a quarter of an hour of the depths and lags, and tells all. */
export function startFigures({ lanes, publish, watching, sources }: FiguresDeps) {
  const stopping = new AbortController()
  const history = new History()
  const watched = lanes.map(
    (lane): Watched => ({
      lane,
      orders: new OrderList(lane.urls.intake),
      queues: undefined,
      groups: undefined,
      lamps: { orders: new LampState('orders'), stock: new LampState('stock') },
      initial: undefined,
      counters: undefined,
    }),
  )
  let latest: Figures | null = null

  const look = async () => {
    const at = Date.now()
    const read = await Promise.all(
      watched.map((one) => readLane(one, { sources: sources(one.lane.name), at })),
    )
    history.add(at, read)
    for (const lane of read) {
      for (const queue of lane.queues) queue.trend = trendOf(history.points(lane.lane, queue.name))
      for (const group of lane.groups) group.trend = trendOf(history.points(lane.lane, group.group))
    }
    latest = { at, lanes: read, serverMb: Math.round(process.memoryUsage.rss() / 1_048_576) }
    publish(latest)
  }
  const run = async () => {
    while (!stopping.signal.aborted) {
      const begun = performance.now()
      await look()
      const restMs = (watching() > 0 ? EVERY_MS : RESTING_MS) - (performance.now() - begun)
      await wakeable(Math.max(100, restMs), () => watching() > 0, stopping.signal)
    }
  }
  const running = run()

  return {
    /** All updates of the order streams come here as well. */
    onUpdates: (lane: LaneSource, updates: OrderUpdate[]) => {
      const orders = watched.find((one) => one.lane === lane)?.orders
      for (const update of updates) orders?.update(update)
    },
    history: (): FiguresHistory => ({ ...history.all(), latest }),
    close: async () => {
      stopping.abort()
      await running
      await Promise.all(watched.flatMap(({ queues, groups }) => [queues?.close(), groups?.close()]))
    },
  }
}

/** Ends early when somebody begins to look. */
async function wakeable(ms: number, isWatched: () => boolean, signal: AbortSignal): Promise<void> {
  const until = performance.now() + ms
  const wasWatched = isWatched()
  while (performance.now() < until && !signal.aborted && (wasWatched || !isWatched()))
    await pause(Math.min(250, Math.max(1, until - performance.now())), signal)
}

interface Looking {
  sources: Record<string, string>
  at: number
}

async function readLane(one: Watched, { sources, at }: Looking): Promise<LaneFigures> {
  const { lane, orders } = one
  const roles: Role[] = ['intake', 'inventory', 'third']
  const listed = orders.read().then(
    () => undefined,
    (err) => messageOf(err),
  )
  const [services, stock, broker, listTrouble] = await Promise.all([
    Promise.all(roles.map((role) => readService(lane, role, { withMetrics: true }))),
    readStock(lane),
    readBroker(one),
    listed,
  ])
  const by = Object.fromEntries(roles.map((role, index) => [role, services[index]!])) as Record<
    Role,
    ServiceReading
  >
  const figures = {
    lane: lane.name,
    services: services.map(({ shown }) => shown),
    rates: ratesOf(one, by, at),
    orders:
      listTrouble === undefined
        ? {
            acknowledged: orders.acknowledged,
            byStatus: { ...orders.byStatus },
            waiting: orders.waiting,
            isCurrent: orders.isCurrent,
          }
        : null,
    stock: (stock as Record<Item, number> | undefined) ?? null,
    ...broker,
    sources,
  }
  return { ...figures, lamps: await lampsOf(one, figures, by, at) }
}

async function readBroker(one: Watched) {
  const unknown = { queues: [] as QueueFigures[], groups: [] as GroupFigures[] }
  const { rabbitmq, kafka } = one.lane
  const trend = { way: 'unknown' as const, perSecond: 0, emptyInSeconds: null }
  try {
    if (rabbitmq) {
      one.queues ??= (await import('./queues.ts')).createQueueReader(rabbitmq)
      const queues = (await one.queues.read()).map((queue) => ({ ...queue, trend }))
      return { ...unknown, queues, brokerTrouble: null }
    }
    if (kafka) {
      one.groups ??= (await import('./groups.ts')).createGroupReader(kafka)
      const groups = (await one.groups.read()).map((group) => ({ ...group, trend }))
      return { ...unknown, groups, brokerTrouble: null }
    }
    return { ...unknown, brokerTrouble: null }
  } catch (err) {
    return { ...unknown, brokerTrouble: messageOf(err) }
  }
}

function ratesOf(one: Watched, by: Record<Role, ServiceReading>, at: number): LaneFigures['rates'] {
  const now = countersOf(one.lane, by)
  const before = one.counters
  one.counters = {
    at,
    ...(Object.fromEntries(Object.entries(now).filter(([, n]) => n !== undefined)) as object),
  }
  const rate = (name: 'accepted' | 'decided' | 'third') => {
    const [to, from] = [now[name], before?.[name]]
    // A counter that fell is one of a service that was started anew.
    if (to === undefined || from === undefined || to < from || !before) return null
    return ((to - from) / (at - before.at)) * 1_000
  }
  return { accepted: rate('accepted'), decided: rate('decided'), third: rate('third') }
}

async function lampsOf(
  one: Watched,
  figures: Omit<LaneFigures, 'lamps'>,
  by: Record<Role, ServiceReading>,
  at: number,
) {
  const { lamps, orders, lane } = one
  if (!figures.orders) {
    const missing = `${lane.services.intake} does not answer`
    return [lamps.orders.see(missing, at), lamps.stock.see(missing, at)]
  }
  if (!figures.orders.isCurrent) {
    const reading = `reading the list of orders: ${figures.orders.acknowledged} so far`
    return [lamps.orders.see(reading, at), lamps.stock.see(reading, at)]
  }
  return [
    lamps.orders.see(await orderBalance(one, figures, by, at), at),
    lamps.stock.see(stockBalance(one, figures, orders), at),
  ]
}

async function orderBalance(
  { lane, orders }: Watched,
  figures: Omit<LaneFigures, 'lamps'>,
  by: Record<Role, ServiceReading>,
  at: number,
): Promise<Reading | string> {
  const undecided = orders.waiting
  const { acknowledged } = orders
  const place = waitingPlaces(lane, figures, by, orders, at)
  if (undecided > place.known && place.missing.length > 0)
    return `${undecided} of ${acknowledged} acknowledged are undecided, and ${place.missing.join(' and ')} cannot say what waits there`
  const names = () => orders.undecided(DEAD_ASKED).map(({ order }) => order)
  const dead = undecided > place.known ? await deadLetters(lane.urls.intake, names()) : []
  return orderReading({ acknowledged, undecided, waiting: place.known, dead: dead.length }, () =>
    names().filter((order) => !dead.includes(order)),
  )
}

/** Where an undecided order of the lane can be, and how many are there, as far as it can be known. */
function waitingPlaces(
  { kind, services }: LaneSource,
  { queues, groups, brokerTrouble }: Omit<LaneFigures, 'lamps'>,
  by: Record<Role, ServiceReading>,
  orders: OrderList,
  at: number,
): { known: number; missing: string[] } {
  const missing: string[] = []
  let known = 0
  const add = (what: string, count: number | null | undefined) => {
    if (count == null) missing.push(what)
    else known += count
  }
  if (kind === 'http') {
    const inFlight = orders
      .undecided(Number.POSITIVE_INFINITY)
      .filter(({ status, since }) => status === 'placed' && at - since < LONGEST_CALL_MS)
    add('calls in flight', inFlight.length)
    add(services.intake, by.intake.health?.unsettled as number | undefined)
    return { known, missing }
  }
  if (brokerTrouble !== null) return { known, missing: ['the broker'] }
  if (kind === 'kafka') {
    const group = groups.find((one) => one.group === 'inventory-group')
    add('inventory-group', group && group.known === group.of ? group.messages : undefined)
    return { known, missing }
  }
  add(services.intake, by.intake.health?.outbox as number | undefined)
  add(services.inventory, by.inventory.health?.outbox as number | undefined)
  for (const { name, ready, unacknowledged } of queues) {
    if (!/^(inventory_queue|order_status_queue|retry_queue_)/.test(name)) continue
    add(name, ready)
    add(name, unacknowledged)
  }
  return { known, missing }
}

/** Undecided orders of which the order service knows that their message is a dead letter. */
async function deadLetters(url: string, orders: string[]): Promise<string[]> {
  const asked = orders.map(async (order) => {
    const { body } = await request(`${url}/orders/${order}`, { signal: AbortSignal.timeout(CALL_MS) })
    const answer = (await body.json()) as { dead_letter?: unknown }
    return answer.dead_letter === undefined ? [] : [order]
  })
  return (await Promise.all(asked.map((one) => one.catch(() => [])))).flat()
}

function stockBalance(
  one: Watched,
  { stock }: Omit<LaneFigures, 'lamps'>,
  orders: OrderList,
): Reading | string {
  if (!stock) return `${one.lane.services.inventory} does not tell its stock`
  const reserved = { ...orders.reserved }
  // What there was in the beginning is nowhere to be asked: it is what the first reading comes to, while nothing is undecided.
  if (!one.initial && orders.waiting > 0)
    return 'what there was in the beginning is not known while orders are undecided'
  one.initial ??= Object.fromEntries(ITEMS.map((item) => [item, stock[item] + reserved[item]])) as Record<
    Item,
    number
  >
  return stockReading({ stock, reserved, initial: one.initial }, () =>
    orders.decidedAfter(one.lamps.stock.heldAt ?? 0),
  )
}

/** Depths and lags of the last quarter of an hour: numbers in columns, and `NaN` where one was not known. */
class History {
  readonly #at: number[] = []
  readonly #series = new Map<
    string,
    { lane: string; name: string; unit: 'messages' | 'seconds'; values: number[] }
  >()

  add(at: number, lanes: readonly LaneFigures[]): void {
    const before = this.#at.length
    this.#at.push(at)
    for (const { lane, queues, groups } of lanes) {
      for (const { name, ready } of queues) this.#put({ lane, name, unit: 'messages' }, ready, before)
      for (const { group, messages, seconds } of groups) {
        this.#put({ lane, name: group, unit: 'messages' }, messages, before)
        this.#put({ lane, name: group, unit: 'seconds' }, seconds, before)
      }
    }
    for (const { values } of this.#series.values()) if (values.length === before) values.push(Number.NaN)
    if (this.#at.length <= POINTS) return
    this.#at.shift()
    for (const { values } of this.#series.values()) values.shift()
  }

  points(lane: string, name: string): { at: number; value: number | null }[] {
    const { values = [] } = this.#series.get(`${lane}/${name}/messages`) ?? {}
    return this.#at.slice(-12).map((at, index) => {
      const value = values[Math.max(0, this.#at.length - 12) + index]
      return { at, value: value === undefined || Number.isNaN(value) ? null : value }
    })
  }

  all(): Pick<FiguresHistory, 'at' | 'series'> {
    const shown = (value: number) => (Number.isNaN(value) ? null : value)
    return {
      at: [...this.#at],
      series: [...this.#series.values()].map((one) => ({ ...one, values: one.values.map(shown) })),
    }
  }

  #put(
    of: { lane: string; name: string; unit: 'messages' | 'seconds' },
    value: number | null,
    before: number,
  ): void {
    const id = `${of.lane}/${of.name}/${of.unit}`
    const series = this.#series.get(id) ?? { ...of, values: Array.from({ length: before }, () => Number.NaN) }
    this.#series.set(id, series)
    series.values.push(value ?? Number.NaN)
  }
}
