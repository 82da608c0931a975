import type { Role } from '../../parts/client.ts'
import { drivers } from '../../parts/index.ts'
import { TRIOS } from '../../trio.ts'
import { type Acts, type Fault, type FaultBench, ROLE_NAMES, ROLES } from '../fault.ts'
import { moveClock, signalHook, startHooked } from '../hooks.ts'

const MINUTES = [5, -5]
const MOVED_MS = 3_000

const moved = (bench: FaultBench, role: Role, minutes: number): Acts => {
  const service = bench.part[role]
  return {
    arm: () => startHooked(service, moveClock(minutes * 60_000, 'signal')),
    inject: () => signalHook(service, bench),
    heal: async () => {
      await signalHook(service, bench)
    },
  }
}

const faultOf = (role: Role, minutes: number): Fault => ({
  name: `clock ${minutes > 0 ? '+' : '−'}5 min: ${ROLE_NAMES[role]}`,
  kind: 'clock',
  parts: Object.fromEntries(
    TRIOS.map((part) => [
      part,
      {
        limitMs: drivers[part].faults.serviceMs,
        holdMs: MOVED_MS,
        on: (bench: FaultBench) => moved(bench, role, minutes),
      },
    ]),
  ) as Fault['parts'],
})

/** The clock of one service jumps while it runs, and jumps back. */
export const clockFaults: Fault[] = MINUTES.flatMap((minutes) => ROLES.map((role) => faultOf(role, minutes)))
