import { join } from 'node:path'
import { until } from '@lab/kit/wait.ts'
import { withFreePorts } from '@lab/stack/ports.ts'
import { createService, type ServiceProcess } from '@lab/stack/service.ts'
import { z } from 'zod'
import { startLoadProcess } from '../../load/process.ts'
import type { Session } from '../../run/session.ts'
import type { Contestant } from '../alternate.ts'
import { BenchInvalid } from '../bench.ts'

const ASK_MS = 5_000
const DRAIN_MS = 60_000

/** Starts a file of this folder as a service, which ends with `opened`. */
export async function startBare(
  { run, signal }: Pick<Session, 'run' | 'signal'>,
  { client, env }: { client: 'amqp' | 'http' | 'mqtt' | 'redis'; env: Record<string, string> },
  opened: AsyncDisposableStack,
): Promise<ServiceProcess> {
  const name = ['bare', client, env.ROLE ?? []].flat().join('-')
  return withFreePorts(1, async ([port]) => {
    const entry = join(import.meta.dirname, `${client}.ts`)
    const logFile = join(run.path, 'logs', `${name}.log`)
    const service = createService({ run, name, entry, port: port!, env, logFile, signal })
    await service.start()
    opened.defer(async () => void (await service.stop()))
    return service
  })
}

export interface BareChainOptions {
  session: Session
  name: string
  /** The file that holds its services. */
  client: 'http' | 'amqp'
  orders: number
  connections: number
  env?: Record<string, string>
}

/** Three bare services and a load process, closed with `opened`: the part's hops and none of its guarantees. */
export async function openBareChain(
  { session, name, client, orders, connections, env = {} }: BareChainOptions,
  opened: AsyncDisposableStack,
): Promise<Contestant> {
  const { signal } = session
  const start = (ROLE: string, urls = {}) =>
    startBare(session, { client, env: { ROLE, ...env, ...urls } }, opened)
  const notification = await start('notification')
  const inventory = await start('inventory')
  const order = await start('order', {
    INVENTORY_URL: inventory.url,
    NOTIFICATION_URL: notification.url,
  })
  const load = startLoadProcess(signal)
  opened.defer(load.close)
  let total = 0
  const drained = (service: ServiceProcess) =>
    until(async () => (await doneBy(service, signal)) >= total, {
      what: `${service.name} to handle every order`,
      timeoutMs: DRAIN_MS,
      everyMs: 10,
      signal,
    })
  return {
    name,
    async round() {
      const startedAt = performance.now()
      const report = await load.run({ kind: 'place', url: order.url, count: orders, connections })
      total += orders
      await drained(order)
      const completedMs = Math.max(performance.now() - startedAt, report.elapsedMs)
      if (report.accepted !== orders)
        throw new BenchInvalid(`${name} took ${report.accepted} of ${orders} orders`)
      for (const service of [order, inventory, notification]) {
        // The third service may still be reading when the first has seen everything.
        await drained(service)
        const done = await doneBy(service, signal)
        if (done !== total) throw new BenchInvalid(`${service.name} handled ${done} of ${total} orders`)
      }
      return {
        accepted: (orders / report.elapsedMs) * 1_000,
        completed: (orders / completedMs) * 1_000,
      }
    },
  }
}

const Done = z.object({ orders: z.int() })

async function doneBy({ url }: ServiceProcess, signal: AbortSignal): Promise<number> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)])
  return Done.parse(await (await fetch(`${url}/done`, { signal: soon })).json()).orders
}
