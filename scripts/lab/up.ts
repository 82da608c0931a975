import { once } from 'node:events'
import { join } from 'node:path'
import { parseStock } from '@lab/common/domain/stock.ts'
import { messageOf } from '@lab/kit/errors.ts'
import type { Reporter } from '@lab/lab/report/progress.ts'
import type { Session } from '@lab/lab/run/session.ts'
import { TRIOS } from '@lab/lab/trio.ts'
import { openControl } from '@lab/stack/control/server.ts'
import { createUnits } from '@lab/stack/control/units.ts'
import { logTail } from '@lab/stack/log-tail.ts'
import { startPart } from '@lab/stack/part.ts'
import { isPortFree } from '@lab/stack/ports.ts'
import { type AnyServer, kindOf } from '@lab/stack/servers/index.ts'
import type { Exit, ServiceProcess } from '@lab/stack/service.ts'
import type { PartSpec, RunningPart } from '@lab/stack/spec.ts'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { livePage, parts } from '../../parts.ts'
import { startBrokers } from './brokers.ts'
import { common, oneOf, openTerminal, type Terminal } from './command-line.ts'
import { type LivePageOptions, startLivePage, writeParts } from './live.ts'
import { withSession } from './session.ts'

interface UpOptions {
  /** A number is the first port of the first part. */
  ports: 'fixed' | 'free' | number
  /** Whether there is one at all. */
  page: boolean
  /** One that was given; otherwise the page's goes with those of the parts. */
  pagePort?: number
  durable?: boolean
}

/** Every part's hundred of ports has to fit, and the live page after them. */
const LAST_BASE = 65_535 - 100 * parts.length - 1
const PART_NAMES = parts.map(({ name }) => name)

export function addUp(program: Command): void {
  program
    .command('up')
    .summary('one part, or all three styles, kept running to try things by hand')
    .description(
      `Starts parts, without a name the three styles, with the servers they need, and a page on which to see and to break them; prints where everything is, and commands to try; waits for Ctrl-C; stops everything. Meanwhile, in another terminal, \`ps\`, \`stop\`, \`kill\`, \`start\`, \`pause\` and \`resume\` have power over each service and server.`,
    )
    .argument('[part...]', 'parts by their names, see below', (name, before: string[] = []) => [
      ...before,
      oneOf('part', name, PART_NAMES),
    ])
    .option(
      '--ports <which>',
      'fixed, free: any ports that are free, or a number: the first part begins there, the next one a hundred further',
      (text) =>
        /\d/.test(text) ? portOf(text, LAST_BASE) : oneOf('value of --ports', text, ['fixed', 'free']),
      'fixed' as const,
    )
    .addOption(
      new Option(
        '--page-port <n>',
        `the port of the page (default: ${livePage.basePort}; with --ports, one that goes with it)`,
      )
        .argParser((text) => portOf(text, 65_535))
        .conflicts('page'),
    )
    .option('--no-page', 'without the page')
    .option(
      '--durable',
      'services keep their state in files, so it survives the kill of a service (until Ctrl-C)',
    )
    .addOption(common.verbose)
    .addHelpText(
      'after',
      `
  part                ports on its own, and side by side with others
${parts.map(partLine).join('\n')}

The variable STOCK is what the inventories start with: STOCK=burger=5000,pizza=50 npm run lab -- up`,
    )
    .action(async (names: string[], options: UpOptions) => {
      process.exitCode = await up(names.length === 0 ? TRIOS : names, options)
    })
}

const partLine = ({ name, services, basePort }: PartSpec) =>
  `  ${name.padEnd(20)}${services.map(({ port }) => port).join(', ')}; from ${basePort}`

function portOf(text: string, last: number): number {
  const port = /^\d+$/.test(text) ? Number(text) : 0
  if (port >= 1_024 && port <= last) return port
  throw new InvalidArgumentError(`'${text}' is not a port of 1024 to ${last}`)
}

/** Keeps parts running until it is interrupted, which is its usual end. */
async function up(names: readonly string[], command: UpOptions): Promise<number> {
  const chosen = parts.filter(({ name }) => names.includes(name))
  const plans = chosen.map((spec, at) => ({ spec, ports: portsOf(spec, at, chosen.length, command.ports) }))
  const stock = stockEnv(process.env)
  const pagePort = pagePortOf(chosen.length, command)
  for (const plan of plans) await refuseTakenPorts(plan)
  if (pagePort !== undefined) await refuseTakenPagePort(pagePort)
  const { reporter, say, print } = openTerminal()
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
    throw new InvalidArgumentError(`STOCK: ${messageOf(err)}`)
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
function portsOf(spec: PartSpec, at: number, count: number, wanted: UpOptions['ports']): Plan['ports'] {
  if (wanted === 'free') return 'free'
  if (wanted === 'fixed' && count === 1) return spec.services.map(({ port }) => port)
  const first = wanted === 'fixed' ? spec.basePort : wanted + 100 * at
  return spec.services.map((_, index) => first + index)
}

/** Where the live page is: after the hundreds of the parts that were given a base; undefined where it is not wanted. */
function pagePortOf(count: number, { ports, page, pagePort }: UpOptions): 'free' | number | undefined {
  if (!page || pagePort !== undefined) return pagePort
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
  { durable = false, stock }: UpOptions & { stock: Record<string, string> },
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

/** What `up` prints: where everything is, and commands to paste. */
function describeRunning(running: RunningPart[], runPath: string, page?: string): string {
  return [
    '',
    ...(page === undefined ? [] : [`See it all, and break it, in a browser: ${page}`, '']),
    ...running.flatMap((part) => [...describePart(part), '']),
    `Logs: ${join(runPath, 'logs')} (gone when this ends)`,
    'Ctrl-C stops everything.',
  ].join('\n')
}

function describePart(part: RunningPart): string[] {
  const { spec, servers } = part
  const services = Object.values(part.services)
  return [
    `${spec.name} (${spec.style})`,
    ...services.map(({ name, url }) => line(name, `${url}   ${url}/docs`)),
    ...Object.values(servers).flatMap(describeServer),
    ...spec.guide(part).flatMap(([what, command]) => [`  ${what}:`, `    ${command}`]),
    '  end it on purpose, and have it back as it was (stop, kill, pause; start, resume):',
    `    npm run lab -- kill ${spec.name}/${services.at(-1)?.name}`,
    `    npm run lab -- start ${spec.name}/${services.at(-1)?.name}`,
  ]
}

/** Where it is, its page, and by which variables a service finds it; those of somebody else's hold a password. */
function describeServer(server: AnyServer): string[] {
  const { label, address, page, env } = kindOf(server)
  const shown = page?.(server)
  const variables = server.origin === 'external' ? [] : Object.entries(env(server))
  return [
    line(`${label} ${server.version}`, address(server)),
    ...(shown
      ? [
          line(
            'its page',
            shown.login && server.origin !== 'external' ? `${shown.url}   login ${shown.login}` : shown.url,
          ),
        ]
      : []),
    ...variables.map(([name, value]) => line(name, value)),
  ]
}

const line = (name: string, where: string) => `  ${name.padEnd(22)}${where}`
