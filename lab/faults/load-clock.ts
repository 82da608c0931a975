export interface LoadClock {
  /** The runner's clock at the moment the load began; a few milliseconds late at most, the way of one message. */
  zero: Promise<number>
  onSnapshot: (snapshot: { elapsed_ms: number }) => void
}

/** Translates between the clock of the load generator's process and this one's. */
export function loadClock(signal: AbortSignal): LoadClock {
  const zero = Promise.withResolvers<number>()
  zero.promise.catch(() => {}) // whoever waits for it hears of it
  signal.addEventListener('abort', () => zero.reject(signal.reason), { once: true })
  return {
    zero: zero.promise,
    onSnapshot: ({ elapsed_ms }) => zero.resolve(performance.now() - elapsed_ms),
  }
}
