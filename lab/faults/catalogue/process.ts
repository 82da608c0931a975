import type { ServiceProcess } from '@lab/stack/service.ts'
import type { Role } from '../../experiments/part-client.ts'
import { TRIOS, type TrioName } from '../../trio.ts'
import { type Acts, type Fault, type FaultBench, SERVICE_LIMIT_MS } from '../fault.ts'
import { ROLE_NAMES, ROLES } from './roles.ts'

const AWAY_MS = 1_500

/**
 * Longer than whatever watches over a silent process: the 5 s of an upstream call, three heartbeats of 5 s at RabbitMQ,
 * the session of a Kafka consumer group.
 */
const STALL_MS: Record<TrioName, number> = {
  'sync-rest': 7_000,
  'async-rabbitmq': 17_000,
  'streaming-kafka': 12_000,
}

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

/** What waited for a stalled service has to be worked off first: clients whose requests were in its socket all the time. */
const STALL_LIMIT_MS: Record<TrioName, number> = { ...SERVICE_LIMIT_MS, 'sync-rest': 5_000 }

interface Way {
  name: string
  acts: (bench: FaultBench, role: Role) => Acts
  holdMs: (part: TrioName) => number
  limitMs: Record<TrioName, number>
}

const WAYS: Way[] = [
  { name: 'SIGKILL', acts: kill, holdMs: () => AWAY_MS, limitMs: SERVICE_LIMIT_MS },
  { name: 'SIGTERM', acts: restart, holdMs: () => 0, limitMs: SERVICE_LIMIT_MS },
  { name: 'SIGSTOP', acts: stall, holdMs: (part) => STALL_MS[part], limitMs: STALL_LIMIT_MS },
]

const faultOf = ({ name, acts, holdMs, limitMs }: Way, role: Role): Fault => ({
  name: `${name} ${ROLE_NAMES[role]}`,
  kind: 'process',
  parts: Object.fromEntries(
    TRIOS.map((part) => [
      part,
      {
        limitMs: limitMs[part],
        holdMs: holdMs(part),
        on: (bench: FaultBench) => acts(bench, role),
        soaks: true,
      },
    ]),
  ) as Fault['parts'],
})

/** Each service killed, restarted in order, and stalled. */
export const processFaults: Fault[] = WAYS.flatMap((way) => ROLES.map((role) => faultOf(way, role)))
