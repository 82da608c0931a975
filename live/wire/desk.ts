/** A dead letter as the list shows it. Every text in it was written by strangers. */
export interface Letter {
  /** Of its bytes and of when it died: the same at every look, and no other letter's. */
  id: string
  /** The part whose dead letter it is. */
  part: string
  /** The queue or topic whose consumer gave it up; undefined when it does not say, and then it has no way back. */
  origin?: string
  reason: string
  /** The reason without what differs from letter to letter. */
  group: string
  /** Milliseconds since the epoch. */
  died_at?: number
  attempts?: number
  /** How often a desk has sent it back already. */
  redrives: number
  /** The message it came from, when a desk gave it a new id. */
  replaces?: string
  message_id?: string
  order_id?: string
  type?: string
  size: number
  /** The beginning of the body. */
  preview: string
}

export interface LetterList {
  letters: Letter[]
  /** By part, how many letters there are; undefined where its broker did not say. */
  total: Record<string, number | undefined>
  /** By part, why its letters are not in the list. */
  trouble: Record<string, string>
}

export interface LetterDetail extends Letter {
  /** As text; what is no UTF-8 is shown with replacement characters, and cannot be edited. */
  body: string
  is_text: boolean
  /** Where it lies, e.g. `order-events.dlt/0/17`. */
  at: string
  /** Where it was when its consumer gave it up, as far as it says. */
  came_from?: string
  key?: string
  headers: Record<string, string>
  properties: Record<string, string>
  trace?: string
  verdict: Verdict
  /** The order as its order service has it now; null when that does not know it, undefined when it was not asked. */
  order?: { status: string; reason?: string } | null
}

/** What the schema of the place it goes to says of a body. */
export interface Verdict {
  ok: boolean
  problems: string[]
}

/**
 * - `waiting`    its batch has not begun
 * - `sent`       the broker has confirmed its replacement; nothing is known of it yet
 * - `effected`   its consumer handled it, with effect
 * - `repeated`   its consumer recognised it as a repeat: no effect
 * - `died-again` there is a new dead letter of it
 * - `timed-out`  nothing was heard of it in time; its replacement is on its way still
 * - `not-sent`   no replacement was confirmed, so the letter is where it was
 * - `gone`       when its turn came it was not there any more
 * - `held-back`  the redrive stopped before its turn
 */
export type RedriveState =
  | 'waiting'
  | 'sent'
  | 'effected'
  | 'repeated'
  | 'died-again'
  | 'timed-out'
  | 'not-sent'
  | 'gone'
  | 'held-back'

/** `new-id`: the same event under a new message id, beside `replaces`, the old one. `unchanged`: byte for byte. */
export type RedriveMode = 'new-id' | 'unchanged'

export interface RedriveStep {
  letter: string
  state: RedriveState
  /** Counted from 1. */
  batch?: number
  message_id?: string
  order_id?: string
  /** The fact behind the state. */
  fact?: string
}

/** Published on the stream as kind `desk`, whole, whenever it changes. */
export interface Redrive {
  id: string
  part: string
  /** Milliseconds since the epoch. */
  started_at: number
  mode: RedriveMode
  state: 'running' | 'done' | 'stopped'
  /** Why it stopped. */
  why?: string
  /** What is to be sent in all batches; the selection was fixed when the redrive began. */
  steps: RedriveStep[]
}

export interface AuditEntry {
  /** ISO 8601. */
  at: string
  /** `page` or `command line`, and who. */
  by: string
  action: 'sending' | 'sent' | 'outcome' | 'discarded'
  part: string
  letter: string
  redrive?: string
  message_id?: string
  replaced_by?: string
  mode?: RedriveMode | 'edited'
  why?: string
  state?: RedriveState
  fact?: string
  /** The whole letter, so that nothing is lost with it. Not in what the page is told. */
  original?: unknown
}
