import { setTimeout as delay } from 'node:timers/promises'

/** Resolves after `ms`, or as soon as `signal` aborts: whoever loops asks the signal itself. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => {})

/** Thrown by a fact to say that waiting longer is pointless, e.g. the process has exited. */
export class Hopeless extends Error {}

export interface UntilOptions {
  /** Completes the sentence "waited 5 s for …". */
  what: string
  timeoutMs: number
  everyMs?: number
  signal?: AbortSignal | undefined
  /** More to say when time is up, e.g. the last lines of a log. */
  detail?: () => string
}

/**
 * Asks for `fact` until it is neither undefined nor false. An error thrown by the fact means "not yet", except
 * `Hopeless`. Each question has to be bounded itself. Rejects when time is up (last error as cause) or on abort.
 */
export async function until<T>(
  fact: () => Promise<T | undefined | false>,
  options: UntilOptions,
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs
  let lastError: unknown
  while (true) {
    options.signal?.throwIfAborted()
    try {
      const value = await fact()
      if (value !== undefined && value !== false) return value
    } catch (err) {
      if (err instanceof Hopeless) throw err
      lastError = err
    }
    if (performance.now() > deadline) throw late(options, lastError)
    await delay(options.everyMs ?? 50, undefined, { signal: options.signal }).catch(() => {
      // Aborted: the next turn throws the signal's own reason.
    })
  }
}

/** The same with the question first and time-outs that suit a test; 15 s by default. */
export const waitFor = <T>(
  what: string,
  fact: () => T | undefined | false | Promise<T | undefined | false>,
  options: Partial<Omit<UntilOptions, 'what'>> = {},
): Promise<T> => until(async () => fact(), { what, timeoutMs: 15_000, ...options })

/** Gives up on `promise` after `timeoutMs`; what it stood for may still happen. */
export async function within<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late({ what, timeoutMs })), timeoutMs)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}

function late({ what, timeoutMs, detail }: UntilOptions, cause?: unknown): Error {
  const more = detail?.()
  const seen = cause instanceof Error ? `; last error: ${cause.message}` : ''
  const message = `waited ${timeoutMs / 1000} s for ${what}${seen}`
  return new Error(more ? `${message}\n${more}` : message, { cause })
}
