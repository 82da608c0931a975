import { setTimeout as sleep } from 'node:timers/promises'

export interface StillOptions {
  /** Whether the count is what it has to become. */
  enough: (count: number) => boolean
  progress: (count: number) => void
  signal: AbortSignal
}

const EVERY_MS = 200
const STUCK_AFTER_MS = 45_000

/** Waits until a count is enough; false when it has not moved for 45 s. */
export async function untilStill(
  count: () => Promise<number>,
  { enough, progress, signal }: StillOptions,
): Promise<boolean> {
  let last = -1
  let movedAt = performance.now()
  for (;;) {
    signal.throwIfAborted()
    const now = await count()
    if (enough(now)) return true
    if (now !== last) movedAt = performance.now()
    if (performance.now() - movedAt > STUCK_AFTER_MS) return false
    last = now
    progress(now)
    await sleep(EVERY_MS, undefined, { signal }).catch(() => {
      // Aborted: the next turn throws the signal's own reason.
    })
  }
}
