import type { Upstream } from './upstream.ts'

export interface Reachability {
  state: () => 'ok' | 'unreachable'
  stop: () => void
}

const EVERY_MS = 500
const TIMEOUT_MS = 1_000

/** Knows from the background whether an upstream answers, so that `/ready` asks nobody and no order waits for it. */
export function watchReachability(upstream: Pick<Upstream, 'isReachable'>): Reachability {
  let state: 'ok' | 'unreachable' = 'unreachable'
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  const probe = async () => {
    state = (await upstream.isReachable(TIMEOUT_MS)) ? 'ok' : 'unreachable'
    if (!isStopped) timer = setTimeout(probe, EVERY_MS).unref()
  }
  void probe()

  return {
    state: () => state,
    stop: () => {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
