import { once } from 'node:events'
import { parseStock } from '@lab/common/domain/stock.ts'
import { messageOf } from '@lab/kit/errors.ts'
import type { Reporter } from '@lab/lab/report/progress.ts'
import type { Session } from '@lab/lab/run/session.ts'
import { openControl } from '@lab/stack/control/server.ts'
import { createUnits } from '@lab/stack/control/units.ts'
import { logTail } from '@lab/stack/log-tail.ts'
import { startPart } from '@lab/stack/part.ts'
import { isPortFree } from '@lab/stack/ports.ts'
import type { Exit, ServiceProcess } from '@lab/stack/service.ts'
import type { PartSpec, RunningPart } from '@lab/stack/spec.ts'
import { livePage, parts } from '../../parts.ts'
import type { UpCommand } from './command-line.ts'
import { type LivePageOptions, startLivePage, writeParts } from './live.ts'
import { startBrokers } from './start-brokers.ts'
import { UsageError } from './suggest.ts'
import type { Terminal } from './terminal.ts'
import { describeRunning } from './up-guide.ts'
import { withSession } from './with-session.ts'

/** Keeps parts running until it is interrupted, which is its usual end. */
export async function upCommand(command: UpCommand, terminal: Terminal): Promise<number> {
  const chosen = parts.filter(({ name }) => command.parts.includes(name))
  const plans = chosen.map((spec, at) => ({ spec, ports: portsOf(spec, at, chosen.length, command.ports) }))
  const stock = stockEnv(process.env)
  const pagePort = pagePortOf(chosen.length, command)
  for (const plan of plans) await refuseTakenPorts(plan)
  if (pagePort !== undefined) await refuseTakenPagePort(pagePort)
  const { reporter, say, print } = terminal
  return withSession(say, async (session) => {
    const { signal } = session
    await startBrokers(session, chosen, reporter)
    const running = await startParts(plans, { ...command, stock }, session, reporter)
    const units = createUnits((part, service, exit) => {
      if (!signal.aborted) reportDeath(part, service, exit, say)
    })
    for (const part of running) units.add(part)
    writeParts(running, session.run.path)
    const control = session.own('the control socket', await openControl(session.run, units, say))
    const page =
      pagePort === undefined
        ? undefined
        : await startPage(running, { session, port: pagePort, control: control.path }, reporter)
    if (page) units.add(page)
    print(describeRunning(running, session.run.path, Object.values(page?.services ?? {})[0]?.url))
    if (!signal.aborted) await once(signal, 'abort')
    throw signal.reason
  })
}

/** Services inherit nothing of the shell; the stock of the trios is asked for so often that `up` passes it on. */
function stockEnv({ STOCK }: NodeJS.ProcessEnv): Record<string, string> {
  if (STOCK === undefined) return {}
  try {
    parseStock(STOCK)
  } catch (err) {
    throw new UsageError(`STOCK: ${messageOf(err)}`)
  }
  return { STOCK }
}

interface Plan {
  spec: PartSpec
  /** One for each service, or any that are free. */
  ports: 'free' | number[]
}

/**
 * A part on its own has the ports it has everywhere on its own, side by side each has its hundred; from a base that was
 * given, one hundred follows the other.
 */
function portsOf(spec: PartSpec, at: number, count: number, wanted: UpCommand['ports']): Plan['ports'] {
  if (wanted === 'free') return 'free'
  if (wanted === 'fixed' && count === 1) return spec.services.map(({ port }) => port)
  const first = wanted === 'fixed' ? spec.basePort : wanted + 100 * at
  return spec.services.map((_, index) => first + index)
}

/** Where the live page is: after the hundreds of the parts that were given a base; undefined where it is not wanted. */
function pagePortOf(count: number, { ports, page }: UpCommand): 'free' | number | undefined {
  if (page !== 'with the ports') return page === 'none' ? undefined : page
  if (ports === 'free') return ports
  return ports === 'fixed' ? livePage.basePort : ports + 100 * count
}

async function startPage(
  running: RunningPart[],
  options: Omit<LivePageOptions, 'progress'>,
  reporter: Reporter,
): Promise<RunningPart> {
  const [page] = await reporter.tasks<RunningPart>([
    {
      title: 'the live page: starting',
      run: (progress) => startLivePage(running, { ...options, progress }),
      done: ({ services }) => `the live page: ready at ${Object.values(services)[0]?.url}`,
    },
  ])
  return page!
}

async function startParts(
  plans: Plan[],
  { durable, stock }: UpCommand & { stock: Record<string, string> },
  session: Session,
  reporter: Reporter,
): Promise<RunningPart[]> {
  const { run } = session
  const failed = new AbortController()
  const signal = AbortSignal.any([session.signal, failed.signal])
  return reporter.tasks(
    plans.map(({ spec, ports }) => ({
      title: `${spec.name}: starting`,
      run: async (progress: (text: string) => void) => {
        const found = spec.servers.map(async (kind) => [kind, await session.server(kind)] as const)
        const servers = Object.fromEntries(await Promise.all(found))
        const env = spec.isTrio ? stock : {}
        const options = { run, signal, progress, durable, ports, servers, env }
        const part = await startPart(spec, options).catch((err: unknown) => {
          failed.abort(err) // the others would only be stopped again
          throw err
        })
        return session.own(spec.name, part)
      },
      done: ({ services }: RunningPart) => `${spec.name}: ready at ${Object.values(services)[0]?.url}`,
    })),
  )
}

/** Before anything is started: one line that says which port, and what to do. */
async function refuseTakenPorts({ spec, ports }: Plan): Promise<void> {
  if (ports === 'free') return
  for (const [at, service] of spec.services.entries()) {
    if (await isPortFree(ports[at]!)) continue
    throw new Error(
      `port ${ports[at]}, for the ${service.name} of ${spec.name}, is in use: end the program that listens there, or add --ports free or --ports <first port>`,
    )
  }
}

async function refuseTakenPagePort(port: 'free' | number): Promise<void> {
  if (port === 'free' || (await isPortFree(port))) return
  throw new Error(
    `port ${port}, for the live page, is in use: end the program that listens there, or add --page-port <port> or --no-page`,
  )
}

/** The others keep running: a service that is away is something to look at. */
function reportDeath(part: string, service: ServiceProcess, exit: Exit, say: Terminal['say']): void {
  const how = exit.signal ? `was ended by ${exit.signal}` : `ended with exit code ${exit.code}`
  say(`${part}: the ${service.name} ${how}; the others keep running. The end of ${service.logFile}:`)
  say(logTail(service.logFile))
  say(`Start it again with\n  npm run lab -- start ${part}/${service.name}`)
}
