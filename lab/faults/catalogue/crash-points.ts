import { setTimeout as sleep } from 'node:timers/promises'
import { until, within } from '@lab/kit/wait.ts'
import type { Role } from '../../parts/client.ts'
import { drivers } from '../../parts/index.ts'
import { INVENTORY_EVENTS } from '../../parts/streaming-kafka.ts'
import { type StartTrioOptions, type StepPlace, steps } from '../../trio.ts'
import { type Acts, type Fault, type FaultBench, type FaultPlan, NotInjected } from '../fault.ts'
import { crashAt, startHooked } from '../hooks.ts'

const REACHED_WITHIN_MS = 15_000
const DOWN_MS = 500
/** Some way into the load and well before its end: a step of a batch is passed once for many orders. */
const PASSAGES: [number, number] = [5, 20]

const roleOf = (role: StepPlace['roles'][number]): Role =>
  role === 'notification' || role === 'analytics' ? 'third' : role

/** The process ends itself in the very line; what is left is as it is between that line and the next. */
const crash = (bench: FaultBench, step: string, role: Role): Acts => {
  const service = bench.part[role]
  const lead = leadTo(step, bench, role)
  // Passed while the service starts.
  const isAtStart = step === 'kafka.owner-fenced'
  const [from, to] = PASSAGES
  const passage = lead || isAtStart ? 1 : Math.floor(from + bench.random() * (to - from))
  const hook = crashAt(step, passage)
  return {
    ...(!isAtStart && { arm: () => startHooked(service, hook) }),
    inject: async () => {
      if (isAtStart) await startHooked(service, hook).catch(() => {})
      else await lead?.()
      const exit = await within(service.exited, REACHED_WITHIN_MS, `${step} to be reached`).catch(() => {
        throw new NotInjected(`${service.name} did not reach ${step} (passage ${passage})`)
      })
      if (exit.signal !== 'SIGKILL') throw new Error(`${service.name} ended with ${exit.signal ?? exit.code}`)
      return `passage ${passage}`
    },
    heal: () => service.start(),
  }
}

function faultOf(step: string, { part, means }: StepPlace, role: StepPlace['roles'][number]): Fault {
  const plan: FaultPlan = {
    limitMs: drivers[part].faults.serviceMs,
    holdMs: DOWN_MS,
    injectingMs: 2_000,
    ...(step.startsWith('rest.') && {
      start: async () => ({ options: QUICK_TIME_OUT, close: async () => {} }),
    }),
    on: (bench) => crash(bench, step, roleOf(role)),
  }
  return {
    name: `crash at ${step} in ${role}`,
    kind: 'crash point',
    means,
    parts: { [part]: plan },
  }
}

/** Unknown outcomes come soon, and with them what is done about them. */
const QUICK_TIME_OUT: Partial<StartTrioOptions> = {
  serviceEnv: { order: { UPSTREAM_TIMEOUT_MS: '700' } },
}

/** A crash between any two lines that matter, one after the other. */
export const crashPoints: Fault[] = Object.entries(steps).flatMap(([step, place]) =>
  place.roles.map((role) => faultOf(step, place, role)),
)

/** What has to happen before a step is reached that orders alone do not lead to. */
type Lead = () => Promise<void>

/** Longer than the time-out of an upstream call in these cells. */
const SILENT_MS = 2_000
const WAITING_MS = 5_000
const QUEUE_OF: Record<Role, string> = {
  order: 'order_status_queue',
  inventory: 'inventory_queue',
  third: 'notification_queue',
}

/** Undefined for a step that every order passes. */
function leadTo(step: string, bench: FaultBench, role: Role): Lead | undefined {
  switch (step) {
    case 'rest.settle-begun':
    case 'rest.stock-released':
    case 'rest.release-stored':
      return silence(bench)
    case 'rabbit.retry-confirmed':
      return failing(bench, role)
    case 'rabbit.dead-letter-confirmed':
      return poison(bench, QUEUE_OF[role])
    case 'kafka.dead-letter-appended':
      return poison(bench, INVENTORY_EVENTS)
    default:
      return undefined
  }
}

/** Inventory answers nothing for a while: outcomes are unknown, and are settled when it answers again. */
const silence =
  ({ part: { inventory }, signal }: FaultBench): Lead =>
  async () => {
    inventory.pause()
    await sleep(SILENT_MS, undefined, { signal }).finally(() => inventory.resume())
  }

/**
 * The handler fails: messages go to the retry ladder. A new process knows nothing of it. A failing order service takes no
 * orders either, so one of them has to be waiting for its decision by then.
 */
const failing =
  ({ client, part: { inventory }, signal }: FaultBench, role: Role): Lead =>
  async () => {
    const fail = () => client.command(role, '/admin/fail', { enabled: true })
    if (role !== 'order') return void (await fail())
    inventory.pause()
    try {
      const isWaiting = async () => (await client.orders()).some(({ status }) => status === 'placed')
      await until(isWaiting, { what: 'an order that waits', timeoutMs: WAITING_MS, everyMs: 20, signal })
      await fail()
    } finally {
      inventory.resume()
    }
  }

/** A crash between the confirm of a dead letter and the acknowledgement of its origin leaves two of them: at least once. */
const AT_MOST = 2

const poison =
  ({ part, planted }: FaultBench, place: string): Lead =>
  async () => {
    await drivers[part.part].poison!.put(part, place, ['no JSON'])
    planted.deadLetters += AT_MOST
  }
