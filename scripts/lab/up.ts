import { once } from 'node:events'
import type { Reporter } from '@lab/lab/report/progress.ts'
import type { Session } from '@lab/lab/session.ts'
import { logTail } from '@lab/lab/stack/log-tail.ts'
import { type RunningPart, startPart } from '@lab/lab/stack/part.ts'
import { type PartName, parts } from '@lab/lab/stack/parts.ts'
import { isPortFree } from '@lab/lab/stack/ports.ts'
import type { ServiceProcess } from '@lab/lab/stack/service.ts'
import type { UpCommand } from './command-line.ts'
import { startBrokers } from './start-brokers.ts'
import type { Terminal } from './terminal.ts'
import { describeRunning } from './up-guide.ts'
import { withSession } from './with-session.ts'

/** Keeps parts running until it is interrupted, which is its usual end. */
export async function upCommand(command: UpCommand, terminal: Terminal): Promise<number> {
  if (command.ports === 'fixed') await refuseTakenPorts(command.parts)
  const { reporter, say, print } = terminal
  return withSession(say, async (session) => {
    const { signal } = session
    await startBrokers(session, command.parts, reporter)
    const running = await startParts(command, session, reporter)
    print(describeRunning(running, session.run.path))
    for (const { part, services } of running) {
      for (const service of services) void reportDeath(part, service, terminal, signal)
    }
    if (!signal.aborted) await once(signal, 'abort')
    throw signal.reason
  })
}

async function startParts(command: UpCommand, session: Session, reporter: Reporter): Promise<RunningPart[]> {
  const { run } = session
  const { ports, durable } = command
  const failed = new AbortController()
  const signal = AbortSignal.any([session.signal, failed.signal])
  return reporter.tasks(
    command.parts.map((name) => ({
      title: `${name}: starting`,
      run: async (progress: (text: string) => void) => {
        const spec = parts[name]
        const broker = {
          ...(spec.broker === 'rabbitmq' && { rabbit: await session.rabbit() }),
          ...(spec.broker === 'kafka' && { kafka: await session.kafka() }),
        }
        const where = ports === 'free' ? 'free' : firstPort(name, command.parts)
        const options = { run, signal, progress, durable, ports: where, ...broker } as const
        const part = await startPart(name, options).catch((err: unknown) => {
          failed.abort(err) // the others would only be stopped again
          throw err
        })
        return session.own(name, part)
      },
      done: (part: RunningPart) => `${name}: ready at ${part.order.url}`,
    })),
  )
}

/** A part on its own has the ports it has everywhere on its own; side by side each has its hundred. */
const firstPort = (name: PartName, together: PartName[]): number =>
  together.length === 1 ? parts[name].services[0]!.defaultPort : parts[name].basePort

/** Before anything is started: one line that says which port, and what to do. */
async function refuseTakenPorts(names: PartName[]): Promise<void> {
  for (const name of names) {
    for (const [at, service] of parts[name].services.entries()) {
      const port = firstPort(name, names) + at
      if (await isPortFree(port)) continue
      throw new Error(
        `port ${port}, for the ${service.name} of ${name}, is in use: end the program that listens there, or add --ports free`,
      )
    }
  }
}

/** The others keep running: a service that is away is something to look at. */
async function reportDeath(
  part: PartName,
  service: ServiceProcess,
  { say }: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const exit = await service.exited
  if (signal.aborted) return
  const how = exit.signal ? `was ended by ${exit.signal}` : `ended with exit code ${exit.code}`
  say(`${part}: the ${service.name} ${how}; the others keep running. The end of ${service.logFile}:`)
  say(logTail(service.logFile))
}
