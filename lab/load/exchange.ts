import { Order } from '@lab/common/domain/order.ts'
import type { Dispatcher, Pool } from 'undici'
import type { ClientOutcome } from '../ledger/history.ts'
import { now } from './metronome.ts'

export interface Answer {
  outcome: ClientOutcome
  endedAt: number
  /** When the order went out on a connection; undefined when it never got one. */
  startedAt: number | undefined
  status?: number
  order?: Order
}

/**
 * One order on its way; `onAnswer` is called exactly once. Undici's dispatch and not `request`: it tells when the order
 * really went out, and needs neither a stream nor an abort signal for each of some thousand orders per second.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly firedAt = now()
  isDone = false
  readonly #onAnswer: (answer: Answer) => void
  readonly #chunks: Buffer[] = []
  #controller: Dispatcher.DispatchController | undefined
  #startedAt: number | undefined
  #status = 0

  constructor(onAnswer: (answer: Answer) => void) {
    this.#onAnswer = onAnswer
  }

  /** The outcome is `unknown`. No-op once there is an answer. */
  giveUp(): void {
    this.#done({ outcome: 'unknown' })
    this.#controller?.abort(new Error('no answer in time'))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Given up while it waited for a connection: it must not go out after all.
    if (this.isDone) {
      controller.abort(new Error('no answer in time'))
      return
    }
    this.#controller = controller
    this.#startedAt = now()
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    const order = readOrder(this.#chunks)
    this.#done({ outcome: outcomeOf(this.#status), status: this.#status, ...(order && { order }) })
  }

  onResponseError(): void {
    this.#done({ outcome: 'unknown' })
  }

  #done(answer: Pick<Answer, 'outcome' | 'status' | 'order'>): void {
    if (this.isDone) return
    this.isDone = true
    this.#onAnswer({ ...answer, endedAt: now(), startedAt: this.#startedAt })
  }
}

/** A status that is neither a success nor the client's fault is the service's: 3xx has no place here either. */
export function outcomeOf(status: number): ClientOutcome {
  if (status >= 200 && status < 300) return 'ok'
  return status >= 400 && status < 500 ? 'rejected' : 'failed'
}

function readOrder(chunks: Buffer[]): Order | undefined {
  try {
    return Order.safeParse(JSON.parse(Buffer.concat(chunks).toString())).data
  } catch {
    return undefined // an answer that is no order (a problem document, a proxy's page) has no id to follow
  }
}

/**
 * Posts orders and keeps those without an answer, oldest first. They share one time-out, so the first that is late is
 * always at the front, and no timer is needed for each.
 */
export class InFlight {
  readonly #open = new Set<Exchange>()
  readonly #pool: Pool
  readonly #timeoutMs: number

  constructor(pool: Pool, timeoutMs: number) {
    this.#pool = pool
    this.#timeoutMs = timeoutMs
  }

  get size(): number {
    return this.#open.size
  }

  post(order: { headers: Record<string, string>; body: string }, onAnswer: (answer: Answer) => void): void {
    const exchange = new Exchange((answer) => {
      this.#open.delete(exchange)
      onAnswer(answer)
    })
    this.#open.add(exchange)
    this.#pool.dispatch(
      { method: 'POST', path: '/order', ...order, headersTimeout: 0, bodyTimeout: 0 },
      exchange,
    )
  }

  /** Gives up on what has waited longer than the time-out. */
  expire(at: number): void {
    for (const exchange of this.#open) {
      if (at - exchange.firedAt < this.#timeoutMs) return
      exchange.giveUp()
    }
  }

  giveUpAll(): void {
    for (const exchange of this.#open) exchange.giveUp()
  }
}
