import { join } from 'node:path'
import { until } from '@lab/kit/wait.ts'
import { withFreePorts } from '@lab/stack/ports.ts'
import { createService, type ServiceProcess } from '@lab/stack/service.ts'
import { z } from 'zod'
import { type LoadProcess, startLoadProcess } from '../../load/process.ts'
import { openServiceClient } from '../../load/service-client.ts'
import type { Session } from '../../run/session.ts'
import type { Contestant } from '../alternate.ts'
import { BenchInvalid } from '../bench.ts'

const ROLES = ['order', 'inventory', 'notification'] as const
const DRAIN_MS = 60_000

interface BareChainOptions {
  session: Session
  name: string
  /** The file that holds its services. */
  client: 'http' | 'amqp'
  orders: number
  connections: number
  env: (urls: string[]) => Record<string, string>
  /** The counter of the order service that says how many orders have been through. */
  completed: string
  /** Counters of the services, in their order, that must equal the orders that were sent. */
  counters: [order: string, inventory: string, notification: string]
}

/** Three bare services and a load process, closed with `opened`: the part's hops and none of its guarantees. */
export async function openBareChain(
  options: BareChainOptions,
  opened: AsyncDisposableStack,
): Promise<Contestant> {
  const services = await withFreePorts(ROLES.length, (ports) => startServices(ports, options))
  opened.defer(async () => void (await Promise.all(services.map((service) => service.stop()))))
  const load = startLoadProcess(options.session.signal)
  opened.defer(load.close)
  let sent = 0
  return {
    name: options.name,
    async round() {
      const figures = await oneRound({ services, load, sent, options })
      sent += options.orders
      return figures
    },
  }
}

async function startServices(
  ports: number[],
  { session: { run, signal }, client, env }: BareChainOptions,
): Promise<ServiceProcess[]> {
  const urls = ports.map((port) => `http://127.0.0.1:${port}`)
  const services = ROLES.map((role, at) =>
    createService({
      run,
      name: `bare-${client}-${role}`,
      entry: join(import.meta.dirname, `${client}.ts`),
      port: ports[at]!,
      env: { ROLE: role, ...env(urls) },
      logFile: join(run.path, 'logs', `bare-${client}-${role}.log`),
      signal,
    }),
  )
  try {
    await Promise.all(services.map((service) => service.start()))
    return services
  } catch (err) {
    await Promise.all(services.map((service) => service.kill()))
    throw err
  }
}

interface Round {
  services: ServiceProcess[]
  load: LoadProcess
  /** Orders of earlier rounds. */
  sent: number
  options: BareChainOptions
}

async function oneRound({ services, load, sent, options }: Round): Promise<Record<string, number>> {
  const { orders, connections, session, completed, counters } = options
  const [order] = services as [ServiceProcess]
  const startedAt = performance.now()
  const request = { kind: 'place' as const, url: order.url, count: orders, connections }
  const report = await load.run(request)
  const total = sent + orders
  const reached = (service: ServiceProcess, counter: string) => async () =>
    (await countsOf(service, session.signal))[counter]! >= total
  const wait = { timeoutMs: DRAIN_MS, everyMs: 10, signal: session.signal }
  await until(reached(order, completed), { ...wait, what: `${options.name} to drain` })
  const completedMs = Math.max(performance.now() - startedAt, report.elapsedMs)

  if (report.accepted !== orders)
    throw new BenchInvalid(`${options.name} took ${report.accepted} of ${orders} orders`)
  for (const [at, service] of services.entries()) {
    // The third service may still be reading when the first has seen everything.
    await until(reached(service, counters[at]!), { ...wait, what: `${service.name} to handle every order` })
    const handled = (await countsOf(service, session.signal))[counters[at]!]
    if (handled !== total) throw new BenchInvalid(`${service.name} handled ${handled} of ${total} orders`)
  }
  return {
    accepted: (orders / report.elapsedMs) * 1_000,
    completed: (orders / completedMs) * 1_000,
  }
}

const Counts = z.record(z.string(), z.int())

async function countsOf({ url }: ServiceProcess, signal: AbortSignal): Promise<Record<string, number>> {
  const client = openServiceClient(url, { signal })
  try {
    return Counts.parse((await client.get('/counts', { timeoutMs: 5_000 })).body)
  } finally {
    await client.close()
  }
}
