import { within } from '@lab/kit/wait.ts'
import type { Role } from '../../parts/client.ts'
import { drivers } from '../../parts/index.ts'
import { type StartTrioOptions, type StepPlace, steps } from '../../trio.ts'
import { type Acts, type Fault, type FaultBench, type FaultPlan, NotInjected } from '../fault.ts'
import { crashAt } from '../hooks.ts'
import { startHooked } from './hooked.ts'
import { leadTo } from './lead-to-step.ts'

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
  const [from, to] = PASSAGES
  const passage = lead ? 1 : Math.floor(from + bench.random() * (to - from))
  const hook = crashAt(step, passage)
  return {
    ...(!lead?.isAtStart && { arm: () => startHooked(service, hook) }),
    inject: async () => {
      if (lead?.isAtStart) await startHooked(service, hook).catch(() => {})
      else await lead?.go()
      const exit = await within(service.exited, REACHED_WITHIN_MS, `${step} to be reached`).catch(() => {
        throw new NotInjected(`${service.name} did not reach ${step} (passage ${passage})`)
      })
      if (exit.signal !== 'SIGKILL') throw new Error(`${service.name} ended with ${exit.signal ?? exit.code}`)
      return `passage ${passage}`
    },
    heal: async () => {
      await Promise.all([service.start(), lead?.end()])
    },
    close: async () => lead?.end(),
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
