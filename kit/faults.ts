import { z } from 'zod'
import { LabError } from './errors.ts'
import { pause } from './wait.ts'

export const ActiveFaults = z
  .object({
    delay_seconds: z.number().describe('Injected latency of each request or message'),
    fail: z.boolean().describe('Whether each request or message fails'),
    expires_at: z
      .number()
      .nullable()
      .describe('When the last active fault ends by itself, seconds since the epoch; null: not by itself'),
  })
  .meta({ id: 'ActiveFaults' })
export type ActiveFaults = z.infer<typeof ActiveFaults>

interface Fault<Value> {
  value: Value
  /** Milliseconds since the epoch; Infinity for a fault that holds until it is switched off. */
  expiresAt: number
}

/** Faults a person switched on. They act on business requests and messages only, until switched off or their time is over. */
export class Faults {
  #delay: Fault<number> | undefined
  #fail: Fault<true> | undefined
  #changed = new AbortController()
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  setDelay(seconds: number, ttlSeconds = Infinity): void {
    this.#delay = seconds === 0 ? undefined : { value: seconds, expiresAt: this.#now() + ttlSeconds * 1_000 }
    this.#interrupt()
  }

  setFail(enabled: boolean, ttlSeconds = Infinity): void {
    this.#fail = enabled ? { value: true, expiresAt: this.#now() + ttlSeconds * 1_000 } : undefined
  }

  clear(): void {
    this.#delay = undefined
    this.#fail = undefined
    this.#interrupt()
  }

  active(): ActiveFaults {
    const [delay, fail] = [this.#live(this.#delay), this.#live(this.#fail)]
    const ends = Math.max(delay?.expiresAt ?? 0, fail?.expiresAt ?? 0)
    return {
      delay_seconds: delay?.value ?? 0,
      fail: fail !== undefined,
      expires_at: ends === 0 || ends === Infinity ? null : ends / 1_000,
    }
  }

  get isActive(): boolean {
    return this.#live(this.#delay) !== undefined || this.isFailing
  }

  get isFailing(): boolean {
    return this.#live(this.#fail) !== undefined
  }

  /**
   * Waits the injected delay, then throws `LAB_FAULT_INJECTED` (retryable) when failing is on. A delay ends early when
   * it is changed or cleared, so nobody waits for a fault that is gone.
   */
  async apply(): Promise<void> {
    const { delay_seconds } = this.active()
    if (delay_seconds > 0) {
      await pause(delay_seconds * 1_000, this.#changed.signal)
    }
    this.refuse()
  }

  /** Throws what `apply` throws, without its delay. */
  refuse(): void {
    if (!this.isFailing) return
    throw new LabError('LAB_FAULT_INJECTED', 'This request fails because POST /admin/fail is on', {
      retryable: true,
    })
  }

  #live<Value>(fault: Fault<Value> | undefined): Fault<Value> | undefined {
    return fault && fault.expiresAt > this.#now() ? fault : undefined
  }

  #interrupt(): void {
    this.#changed.abort()
    this.#changed = new AbortController()
  }
}
