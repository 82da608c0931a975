export interface Circuit {
  /** Whether a call may be made; of an open circuit one may, now and then, to see. */
  admits: () => boolean
  succeeded: () => void
  failed: () => void
  state: () => 'closed' | 'open'
}

const FAILURES = 5
const OPEN_MS = 1_000

/**
 * Opens after five failures in a row, so that nobody waits for a service that is away, nor holds a connection for it. Once a
 * second one call tries; the first that succeeds closes it.
 */
export function createCircuit(now = () => performance.now()): Circuit {
  let failures = 0
  let triedAt = 0
  const isOpen = () => failures >= FAILURES
  return {
    admits: () => {
      if (isOpen() && now() - triedAt < OPEN_MS) return false
      triedAt = now()
      return true
    },
    succeeded: () => {
      failures = 0
    },
    failed: () => {
      failures++
      triedAt = now()
    },
    state: () => (isOpen() ? 'open' : 'closed'),
  }
}
