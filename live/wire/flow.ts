/** The columns of the picture, the same for every style. */
export const STOPS = ['placed', 'to inventory', 'inventory', 'to the third', 'third', 'done'] as const
/** Index into `STOPS`. */
export type Stop = 0 | 1 | 2 | 3 | 4 | 5

/** What is out of the ordinary about a move: failed, waits for a retry, dead letter, unknown outcome, delivered again. */
export type Mark = '' | 'failed' | 'retry' | 'dead' | 'timeout' | 'again'

/** An order came to a stop, because an event of a service or a broker said so. */
export type Move = [order: string, stop: Stop, mark: Mark]

/** Entries of kind `flow`. */
export interface Moves {
  lane: string
  moves: Move[]
  /** One order in so many is drawn; the figures count all of them. */
  every: number
}

/** One step of an order's story. */
export interface Hop {
  /** Milliseconds since the epoch. */
  at: number
  what: string
  /** Who said so. */
  source: string
  mark: Mark
  messageId?: string
  /** Failed attempts so far. */
  attempts?: number
  traceparent?: string
  /** The broker's or service's own words. */
  detail?: string
}

export interface LogLine {
  at: number
  service: string
  level: string
  text: string
  fields: Record<string, unknown>
}

/** `GET /api/flow/orders/:order_id`. */
export interface Story {
  order: string
  lane: string | null
  /** What its order service answers now; null where none knows it. */
  now: Record<string, unknown> | null
  hops: Hop[]
  log: LogLine[]
  /** Why the services' lines are not here. */
  logMissing?: string
  trace: string | null
}

export interface Lane {
  /** The part's name. */
  name: string
  style: string
  kind: 'http' | 'rabbitmq' | 'kafka'
  /** What the columns are called in this style. */
  stops: readonly string[]
  services: { intake: string; inventory: string; third: string }
}

/** How many orders of each lane a placement has come to. */
export interface Placed {
  lane: string
  sent: number
  accepted: number
  /** Answered as a repeat, by the same Idempotency-Key. */
  repeated: number
  /** Refused as malformed, or a poison message that the broker took. */
  malformed: number
  refused: number
  /** No answer, or a 5xx: whether the order exists is not known. */
  unknown: number
}

/** Entries of kind `placing`. */
export interface Placing {
  id: string
  wanted: number
  isDone: boolean
  lanes: Placed[]
  /** The last refusal, word for word. */
  said?: string
}
