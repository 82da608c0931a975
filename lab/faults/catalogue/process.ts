import type { ServiceProcess } from '@lab/stack/service.ts'
import type { FaultTimes } from '../../part.ts'
import type { Role } from '../../parts/client.ts'
import { drivers } from '../../parts/index.ts'
import { TRIOS } from '../../trio.ts'
import type { Acts, Fault, FaultBench } from '../fault.ts'
import { ROLE_NAMES, ROLES } from './roles.ts'

const AWAY_MS = 1_500

const serviceOf = ({ part }: FaultBench, role: Role): ServiceProcess => part[role]

const kill = (bench: FaultBench, role: Role): Acts => ({
  inject: async () => {
    const { pid } = serviceOf(bench, role)
    await serviceOf(bench, role).kill()
    return `process ${pid}`
  },
  heal: () => serviceOf(bench, role).start(),
})

/** The new process starts when the old one has stopped in its own time, as a rolling restart of one instance does. */
const restart = (bench: FaultBench, role: Role): Acts => ({
  inject: async () => {
    const { code, signal, ms } = await serviceOf(bench, role).stop()
    return `stopped in ${ms} ms with ${signal ?? code}`
  },
  heal: () => serviceOf(bench, role).start(),
})

const stall = (bench: FaultBench, role: Role): Acts => ({
  inject: async () => {
    serviceOf(bench, role).pause()
    return `process ${serviceOf(bench, role).pid}`
  },
  heal: async () => serviceOf(bench, role).resume(),
})

interface Way {
  name: string
  acts: (bench: FaultBench, role: Role) => Acts
  holdMs: (times: FaultTimes) => number
  limit: 'serviceMs' | 'stalledMs'
}

const WAYS: Way[] = [
  { name: 'SIGKILL', acts: kill, holdMs: () => AWAY_MS, limit: 'serviceMs' },
  { name: 'SIGTERM', acts: restart, holdMs: () => 0, limit: 'serviceMs' },
  { name: 'SIGSTOP', acts: stall, holdMs: ({ stallMs }) => stallMs, limit: 'stalledMs' },
]

const faultOf = ({ name, acts, holdMs, limit }: Way, role: Role): Fault => ({
  name: `${name} ${ROLE_NAMES[role]}`,
  kind: 'process',
  parts: Object.fromEntries(
    TRIOS.map((part) => [
      part,
      {
        limitMs: drivers[part].faults[limit],
        holdMs: holdMs(drivers[part].faults),
        on: (bench: FaultBench) => acts(bench, role),
        soaks: true,
      },
    ]),
  ) as Fault['parts'],
})

/** Each service killed, restarted in order, and stalled. */
export const processFaults: Fault[] = WAYS.flatMap((way) => ROLES.map((role) => faultOf(way, role)))
