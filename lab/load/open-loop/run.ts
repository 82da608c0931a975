import { isTerminal } from '@lab/common/domain/order.ts'
import { orderIdForKey } from '@lab/common/ids.ts'
import type { Pool } from 'undici'
import type { HistoryRecord } from '../../ledger/history.ts'
import { type CompletedOrder, Completions } from './completion.ts'
import { type Answer, postOrder } from './exchange.ts'
import { InFlight } from './in-flight.ts'
import { Meter } from './meter.ts'
import { now } from './metronome.ts'
import type { FullOptions } from './options.ts'
import type { Snapshot } from './result.ts'
import type { Slot } from './slots.ts'

export interface RunDeps {
  options: FullOptions
  pool: Pool
  onRecord?: ((record: HistoryRecord) => void) | undefined
}

/** The state of one run: what is in flight, what is awaited, and everything counted so far. */
export class Run {
  readonly meter = new Meter()
  readonly inFlight: InFlight
  readonly completions = new Completions((order) => this.#completed(order))
  /** Orders sent in the warm-up, which no figure counts. */
  warmUpSent = 0
  lastOkAt = 0
  lastCompletedAt = 0
  /** When the clock of the plan starts; set before the first slot. */
  startsAt = 0
  readonly #deps: RunDeps
  readonly #bodies: string[]

  constructor(deps: RunDeps) {
    this.#deps = deps
    this.inFlight = new InFlight(deps.options.timeoutMs)
    this.#bodies = deps.options.orders.map((order) => JSON.stringify(order))
  }

  /** Sends the order of a slot, or drops the slot when too many are unanswered: it is never sent later instead. */
  fire(slot: Slot): void {
    const { options, pool } = this.#deps
    const intendedAt = this.startsAt + slot.at
    const isDropped = this.inFlight.size >= options.maxInFlight
    if (slot.isMeasured) this.meter.offered(slot.interval, now() - intendedAt, isDropped)
    if (isDropped) return
    if (!slot.isMeasured) this.warmUpSent++

    const idempotency_key = options.keyPrefix === undefined ? undefined : `${options.keyPrefix}-${slot.n}`
    const headers = {
      'content-type': 'application/json',
      ...(idempotency_key !== undefined && { 'idempotency-key': idempotency_key }),
    }
    const body = this.#bodies[slot.n % this.#bodies.length]!
    const firedAt = now()
    this.inFlight.opened()
    this.inFlight.add(
      postOrder(pool, { headers, body }, (answer) => {
        this.inFlight.closed()
        this.#answered(slot, answer, { intendedAt, firedAt, idempotency_key })
      }),
    )
  }

  snapshot(): Omit<Snapshot, 'elapsed_ms' | 'phase'> {
    return {
      counts: { ...this.meter.counts },
      in_flight: this.inFlight.size,
      awaiting_completion: this.completions.awaiting,
    }
  }

  #answered(slot: Slot, answer: Answer, sent: Sent): void {
    const { isMeasured, interval } = slot
    const { outcome, endedAt, order } = answer
    this.#deps.onRecord?.(this.#record(slot, answer, sent))
    if (isMeasured) this.meter.answered(interval, sent.intendedAt, answer)
    if (isMeasured && outcome === 'ok') this.lastOkAt = endedAt
    if (!order) return

    const awaited = { intendedAt: sent.intendedAt, isMeasured, interval }
    if (isTerminal(order.status)) {
      this.#completed({ ...awaited, status: order.status, seenAt: endedAt, isLookedUp: false })
    } else if (this.#deps.options.completion === 'stream') {
      this.completions.expect(order.order_id, awaited)
    }
  }

  #completed(order: CompletedOrder): void {
    if (!order.isMeasured) return
    this.lastCompletedAt = Math.max(this.lastCompletedAt, order.seenAt)
    this.meter.completed(order)
  }

  #record({ n }: Slot, { outcome, status, order, endedAt }: Answer, sent: Sent): HistoryRecord {
    const { item, quantity } = this.#deps.options.orders[n % this.#deps.options.orders.length]!
    const { idempotency_key, firedAt } = sent
    const order_id = order?.order_id ?? (idempotency_key && orderIdForKey(idempotency_key))
    return {
      n,
      outcome,
      item,
      quantity,
      ...(status !== undefined && { status }),
      ...(order_id !== undefined && { order_id }),
      ...(order && { told: order.status }),
      ...(idempotency_key !== undefined && { idempotency_key }),
      sent_ms: firedAt - this.startsAt,
      done_ms: endedAt - this.startsAt,
    }
  }
}

interface Sent {
  intendedAt: number
  firedAt: number
  idempotency_key: string | undefined
}
