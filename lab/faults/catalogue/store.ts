import type { Role } from '../../parts/client.ts'
import { drivers } from '../../parts/index.ts'
import { type Acts, type Fault, type FaultBench, type FaultPlan, ROLE_NAMES, ROLES } from '../fault.ts'
import { fillStore, signalHook, startHooked } from '../hooks.ts'

const FULL_MS = 3_000
const NO_STORE = 'it has no store: the log is its database'

const full = (bench: FaultBench, role: Role): Acts => {
  const service = bench.part[role]
  return {
    arm: () => startHooked(service, fillStore()),
    inject: () => signalHook(service, bench),
    heal: async () => {
      await signalHook(service, bench)
    },
  }
}

/** The disk under the store of each service is full for a while. */
export const storeFaults: Fault[] = ROLES.map((role) => {
  const plan = (part: 'sync-rest' | 'async-rabbitmq'): FaultPlan => ({
    limitMs: drivers[part].faults.serviceMs,
    holdMs: FULL_MS,
    on: (bench) => full(bench, role),
  })
  return {
    name: `store full: ${ROLE_NAMES[role]}`,
    kind: 'store',
    parts: {
      'sync-rest': plan('sync-rest'),
      'async-rabbitmq': plan('async-rabbitmq'),
      'streaming-kafka': NO_STORE,
    },
  }
})
