import type { Role } from '../../parts/client.ts'
import { type Acts, type Fault, type FaultBench, inParts, NO_BROKER, ROLE_NAMES, ROLES } from '../fault.ts'
import { fillStore, type HookedStart, moveClock, signalHook, startHooked } from '../hooks.ts'

/** What can be done to a process: each answers what it hit. */
interface Victim {
  kill: () => Promise<string>
  stop: () => Promise<string>
  start: () => Promise<void>
  pause: () => Promise<string>
  resume: () => Promise<void>
}

const serviceOf = ({ part }: FaultBench, role: Role): Victim => {
  const service = part[role]
  return {
    kill: async () => {
      const { pid } = service
      await service.kill()
      return `process ${pid}`
    },
    stop: async () => {
      const { code, signal, ms } = await service.stop()
      return `stopped in ${ms} ms with ${signal ?? code}`
    },
    start: () => service.start(),
    pause: async () => {
      service.pause()
      return `process ${service.pid}`
    },
    resume: async () => service.resume(),
  }
}

function brokerOf({ part }: FaultBench): Victim {
  const control = (part.rabbit ?? part.kafka)?.control
  if (!control) throw new Error('the broker is not of this run: nobody may kill it')
  const done = (act: 'kill' | 'stop' | 'pause', what: string) => async () => {
    await control[act]()
    return what
  }
  return {
    kill: done('kill', 'SIGKILL'),
    stop: done('stop', 'orderly stop'),
    start: () => control.start(),
    pause: done('pause', 'SIGSTOP'),
    resume: () => control.resume(),
  }
}

interface Way {
  name: string
  acts: (victim: Victim) => Acts
  /** Of a service, and of a broker: longer than three heartbeats of 5 s, and than a request of 10 s to Kafka. */
  hold: number | 'stallMs'
  brokerHoldMs: number
  limit: 'serviceMs' | 'stalledMs'
}

/** A restart starts the new process when the old one has stopped in its own time, as a rolling restart does. */
const WAYS: Way[] = [
  {
    name: 'SIGKILL',
    acts: ({ kill, start }) => ({ inject: kill, heal: start }),
    hold: 1_500,
    brokerHoldMs: 2_000,
    limit: 'serviceMs',
  },
  {
    name: 'SIGTERM',
    acts: ({ stop, start }) => ({ inject: stop, heal: start }),
    hold: 0,
    brokerHoldMs: 0,
    limit: 'serviceMs',
  },
  {
    name: 'SIGSTOP',
    acts: ({ pause, resume }) => ({ inject: pause, heal: resume }),
    hold: 'stallMs',
    brokerHoldMs: 17_000,
    limit: 'stalledMs',
  },
]

/** Each service killed, restarted in order, and stalled. */
export const processFaults: Fault[] = WAYS.flatMap(({ name, acts, hold, limit }) =>
  ROLES.map((role) => ({
    name: `${name} ${ROLE_NAMES[role]}`,
    kind: 'process' as const,
    parts: inParts((times) => ({
      limitMs: times[limit],
      holdMs: typeof hold === 'number' ? hold : times[hold],
      on: (bench) => acts(serviceOf(bench, role)),
      soaks: true,
    })),
  })),
)

/** The broker killed, restarted in order, and stalled. */
export const brokerFaults: Fault[] = WAYS.map(({ name, acts, brokerHoldMs }) => ({
  name: `${name} the broker`,
  kind: 'broker',
  parts: inParts(
    ({ brokerMs }) => ({
      limitMs: brokerMs,
      holdMs: brokerHoldMs,
      on: (bench) => acts(brokerOf(bench)),
      soaks: true,
    }),
    { 'sync-rest': NO_BROKER },
  ),
}))

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
