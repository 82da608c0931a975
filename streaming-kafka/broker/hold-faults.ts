import { setTimeout as sleep } from 'node:timers/promises'
import { LabError } from '@lab/kit/errors.ts'
import type { Faults } from '@lab/kit/faults.ts'
import type { Batch } from './batch.ts'

const BACKOFF_MS = [100, 200, 500, 1_000]

/**
 * Lets the injected faults act on the next message: waits the delay, and while `fail` is on tries again with back-off. A
 * partition of a log can only wait, since nothing behind a record may be committed before it. Answers false when the
 * batch is no longer current.
 */
export async function holdFaults(
  batch: Batch,
  faults: Faults,
  onRetry: (err: LabError, attempt: number) => void,
) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await batch.hold(faults.apply())
    } catch (err) {
      if (!(err instanceof LabError)) throw err
      onRetry(err, attempt)
    }
    const backoffMs = BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length - 1)]
    if (!(await batch.hold(sleep(backoffMs)))) return false
  }
}
