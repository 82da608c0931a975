import type { Role } from '../../parts/client.ts'
import { type Acts, type Fault, type FaultBench, inParts, ROLE_NAMES, ROLES } from '../fault.ts'
import { fillStore, type HookedStart, moveClock, signalHook, startHooked } from '../hooks.ts'

const LASTS_MS = 3_000
const NO_STORE = 'it has no store: the log is its database'

/** The service is started with the hook, whose switch is thrown there and back. */
const switched = (bench: FaultBench, role: Role, hook: HookedStart): Acts => {
  const service = bench.part[role]
  return {
    arm: () => startHooked(service, hook),
    inject: () => signalHook(service, bench),
    heal: async () => void (await signalHook(service, bench)),
  }
}

const partsOf = (role: Role, hook: HookedStart, but = {}) =>
  inParts(
    ({ serviceMs }) => ({
      limitMs: serviceMs,
      holdMs: LASTS_MS,
      on: (bench) => switched(bench, role, hook),
    }),
    but,
  )

/** The disk under the store of each service is full for a while. */
export const storeFaults: Fault[] = ROLES.map((role) => ({
  name: `store full: ${ROLE_NAMES[role]}`,
  kind: 'store',
  parts: partsOf(role, fillStore(), { 'streaming-kafka': NO_STORE }),
}))

/** The clock of one service jumps while it runs, and jumps back. */
export const clockFaults: Fault[] = [5, -5].flatMap((minutes) =>
  ROLES.map((role) => ({
    name: `clock ${minutes > 0 ? '+' : '−'}5 min: ${ROLE_NAMES[role]}`,
    kind: 'clock',
    parts: partsOf(role, moveClock(minutes * 60_000)),
  })),
)
