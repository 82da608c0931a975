/** What can be done to a service or a broker. The first three are switches of the service itself; `clear` ends them. */
export const FAULTS = ['delay', 'fail', 'throttle'] as const
export const ENDINGS = ['stop', 'kill', 'pause'] as const
export const UNDOINGS = ['clear', 'start', 'resume'] as const
export type SwitchAction = (typeof FAULTS | typeof ENDINGS | typeof UNDOINGS)[number]

/** What may come of it for those who order. Which one it was is for the measurements to say. */
export const ANSWERS = ['same', 'waits', 'refused'] as const
export type Answer = (typeof ANSWERS)[number]

/** Below this share of the orders accepted, customers are refused. */
export const REFUSED_BELOW = 0.9
/** From this many more orders at once on their way than before, orders wait. */
export const WAITS_FROM = 3

/** The body of `POST /admin/switches`. */
export interface Switching {
  part: string
  name: string
  action: SwitchAction
  /** Of a delay or throttle. */
  seconds?: number
  predicted?: Answer
  /** How long until it is put back; without it, it stays until somebody does. */
  hold_seconds?: number
  orders_per_second?: number
}

/** One thing that can be switched. */
export interface Switchable {
  part: string
  name: string
  kind: 'service' | 'server'
  /** Of the process, as `up` says; of a service that no `up` is asked about: whether it answers. */
  state: 'running' | 'paused' | 'stopped' | 'killed' | 'ended' | 'changing' | 'unreachable'
  pid?: number
  can: SwitchAction[]
  faults: { delay_seconds: number; fail: boolean; throttle_seconds: number }
}

/** What the orders of one phase met. Of those sent in it, whenever the answer came. */
export interface Phase {
  seconds: number
  sent: number
  accepted: number
  /** An error, or no answer within the time a customer has. */
  refused: number
  /** How long an answer took, milliseconds; null without one. */
  answer_ms: number | null
  /** Most orders on their way at once: sent or accepted, and nothing decided. */
  waiting: number
}

export interface Observation {
  id: number
  part: string
  name: string
  action: SwitchAction
  seconds: number | null
  predicted: Answer | null
  orders_per_second: number
  started_at: number
  phase: 'before' | 'during' | 'recovering' | 'over'
  before: Phase
  during: Phase
  after: Phase
  /** From putting it back until orders were accepted and none waited longer than before; null: not yet, or not within a minute. */
  recovery_ms: number | null
  /** Accepted, and unknown to the service afterwards. */
  lost: number
  answer: Answer | null
  /** What went wrong with the switch itself. */
  trouble: string | null
  /** Every half second: since the start in seconds, orders on their way, refused so far. */
  samples: [at: number, waiting: number, refused: number][]
}

export interface Switches {
  units: Switchable[]
  /** Newest first. */
  observations: Observation[]
}
