export type Item = 'burger' | 'pizza' | 'salad'

/** Which way a number goes, from what was measured of it in the last seconds. */
export interface Trend {
  way: 'growing' | 'draining' | 'steady' | 'unknown'
  /** Change a second. */
  perSecond: number
  /** At this pace; null where it never empties. */
  emptyInSeconds: number | null
}

export interface QueueFigures {
  name: string
  /** Waiting in the queue: exact, asked of the broker at `at`. Null where it did not say. */
  ready: number | null
  /** Delivered and not acknowledged: the broker's own sample, up to some seconds old. */
  unacknowledged: number | null
  consumers: number | null
  trend: Trend
}

export interface PartitionLag {
  topic: string
  partition: number
  /** Null where no broker says. */
  end: number | null
  committed: number | null
  messages: number | null
  /** Age of the oldest record that was not read. */
  seconds: number | null
  note?: string
}

export interface GroupFigures {
  group: string
  /** As the broker reports it, or `unknown`. */
  state: string
  members: number | null
  /** Over the partitions that are known; null when none is. */
  messages: number | null
  seconds: number | null
  /** Of so many partitions, this many are known. */
  known: number
  of: number
  partitions: PartitionLag[]
  trend: Trend
}

export interface ServiceFigures {
  name: string
  role: 'intake' | 'inventory' | 'third'
  /** `ok`, or why it is not. */
  state: string
  delaySeconds: number
  fails: boolean
  residentMb: number | null
}

export interface Lamp {
  name: 'orders' | 'stock'
  /** `moving`: the numbers change faster than they can be read together. */
  state: 'holds' | 'broken' | 'moving' | 'unknown'
  /** The equation with its numbers, or what is missing. */
  text: string
  /** When it last held, milliseconds since the epoch. */
  heldAt: number | null
  /** Orders by which it is broken, at most ten. */
  orders: string[]
}

export interface LaneFigures {
  lane: string
  services: ServiceFigures[]
  /** Orders a second: accepted, decided, and through the third service. Null until there are two readings. */
  rates: { accepted: number | null; decided: number | null; third: number | null }
  /** What the order service lists. Null while it does not answer. */
  orders: {
    acknowledged: number
    byStatus: Record<string, number>
    waiting: number
    isCurrent: boolean
  } | null
  stock: Record<Item, number> | null
  queues: QueueFigures[]
  groups: GroupFigures[]
  /** Why queues or groups are not known. */
  brokerTrouble: string | null
  lamps: Lamp[]
  /** Sources of the picture and their state. */
  sources: Record<string, string>
}

/** Entries of kind `figures`, every second while somebody looks. */
export interface Figures {
  at: number
  lanes: LaneFigures[]
  /** Resident memory of the page's own server, in megabytes. */
  serverMb: number
}

/** `GET /api/figures`: how the numbers were. A point that is not known is null. */
export interface FiguresHistory {
  /** Milliseconds since the epoch, one for each point. */
  at: number[]
  series: { lane: string; name: string; unit: 'messages' | 'seconds'; values: (number | null)[] }[]
  latest: Figures | null
}
