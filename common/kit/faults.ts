import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { LabError } from './errors.ts'

export const DEFAULT_TTL_SECONDS = 600

export const ActiveFaults = z
  .object({
    delay_seconds: z.number().describe('Injected latency of each request or message'),
    fail: z.boolean().describe('Whether each request or message fails'),
    expires_at: z
      .number()
      .nullable()
      .describe('When the last active fault ends by itself, seconds since the epoch'),
  })
  .meta({ id: 'ActiveFaults' })
export type ActiveFaults = z.infer<typeof ActiveFaults>

interface Fault<Value> {
  value: Value
  expiresAt: number
}

/** Faults a person switched on. They act on business requests and messages only, and expire by themselves. */
export class Faults {
  #delay: Fault<number> | undefined
  #fail: Fault<true> | undefined
  #changed = new AbortController()
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  setDelay(seconds: number, ttlSeconds = DEFAULT_TTL_SECONDS): void {
    this.#delay = seconds === 0 ? undefined : { value: seconds, expiresAt: this.#now() + ttlSeconds * 1_000 }
    this.#interrupt()
  }

  setFail(enabled: boolean, ttlSeconds = DEFAULT_TTL_SECONDS): void {
    this.#fail = enabled ? { value: true, expiresAt: this.#now() + ttlSeconds * 1_000 } : undefined
  }

  clear(): void {
    this.#delay = undefined
    this.#fail = undefined
    this.#interrupt()
  }

  active(): ActiveFaults {
    const live = [this.#delay, this.#fail].filter(
      (fault) => fault !== undefined && fault.expiresAt > this.#now(),
    )
    return {
      delay_seconds: this.#delay && live.includes(this.#delay) ? this.#delay.value : 0,
      fail: this.#fail !== undefined && live.includes(this.#fail),
      expires_at: live.length === 0 ? null : Math.max(...live.map((fault) => fault?.expiresAt ?? 0)) / 1_000,
    }
  }

  get isActive(): boolean {
    return this.active().expires_at !== null
  }

  /**
   * Waits the injected delay, then throws `LAB_FAULT_INJECTED` (retryable) when failing is on. A delay ends early when
   * it is changed or cleared, so nobody waits for a fault that is gone.
   */
  async apply(): Promise<void> {
    const { delay_seconds } = this.active()
    if (delay_seconds > 0) {
      await sleep(delay_seconds * 1_000, undefined, { signal: this.#changed.signal }).catch(() => {
        // Interrupted by a change of the faults: go on at once.
      })
    }
    if (this.active().fail) {
      throw new LabError('LAB_FAULT_INJECTED', 'This request fails because POST /admin/fail is on', {
        retryable: true,
      })
    }
  }

  #interrupt(): void {
    this.#changed.abort()
    this.#changed = new AbortController()
  }
}
