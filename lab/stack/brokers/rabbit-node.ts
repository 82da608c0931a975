import { join } from 'node:path'
import { type Child, startChild } from '../child.ts'
import { logTail, readTail } from '../log-tail.ts'
import { PortTaken, saysPortTaken } from '../ports.ts'
import { endAll, findByEnv } from '../process-identity.ts'
import type { RunDir } from '../run-dir.ts'
import { Hopeless, until } from '../wait.ts'
import { checkServing } from './rabbit-api.ts'
import { type RabbitPorts, rabbitEnv } from './rabbit-config.ts'
import type { RabbitInstall } from './rabbit-find.ts'
import type { BrokerControl } from './types.ts'

export interface RabbitNodeOptions {
  install: RabbitInstall
  run: RunDir
  folder: string
  ports: RabbitPorts
  path: string | undefined
}

export interface RabbitNode extends Omit<BrokerControl, 'start'> {
  /** Starts the node unless it runs, waits until it serves, and answers the version it reports. */
  start(signal?: AbortSignal): Promise<string>
  /** Ends the node and its port mapper for good; what is on disk is not needed any more. */
  end(): Promise<void>
}

/** guest may log in over the loopback interface only, which is all a private node listens on. */
export const guest = { username: 'guest', password: 'guest' }

const START_MS = 120_000
/** Orderly shutdown takes 3 to 10 s. */
const STOP_MS = 20_000
/** Connections and message stores are closed within a tenth of a second; the rest is the management plugin waiting. */
const END_MS = 1_500

/** The two processes of a private RabbitMQ: the Erlang VM, and its own port mapper that outlives restarts of it. */
export function rabbitNode(options: RabbitNodeOptions): RabbitNode {
  let epmd: Child | undefined
  let beam: Child | undefined
  let ended = false

  return {
    async start(signal) {
      // Started by us, epmd is a plain child; started by the node it would be a daemon that nobody waits for.
      if (!epmd?.isRunning()) epmd = await startEpmd(options)
      if (!beam?.isRunning()) beam = await startBeam(options)
      if (ended) await this.end() // it was closed while it was being started
      return waitUntilServing(options, beam, signal)
    },
    async kill() {
      await beam?.kill()
    },
    async stop() {
      if (beam?.isRunning()) await beam.stop(STOP_MS)
    },
    async pause() {
      await beam?.pause()
    },
    async resume() {
      beam?.resume()
    },
    async end() {
      ended = true
      await Promise.all([beam?.isRunning() && beam.stop(END_MS), epmd?.isRunning() && epmd.kill()])
      // Erlang's port programs have groups of their own and end moments after it.
      await endAll(() => findByEnv('HOME', options.folder))
    },
  }
}

async function startEpmd({ install, run, folder, ports }: RabbitNodeOptions): Promise<Child> {
  const args = ['-port', String(ports.epmd), '-address', '127.0.0.1']
  const logFile = join(folder, 'epmd.log')
  return startChild({ run, name: 'rabbitmq-epmd', command: install.epmd, args, env: {}, logFile })
}

async function startBeam({ install, run, folder, ports, path }: RabbitNodeOptions): Promise<Child> {
  return startChild({
    run,
    name: 'rabbitmq',
    command: install.server,
    args: [],
    env: rabbitEnv(folder, ports, install.epmd, path),
    logFile: rabbitLog(run, ports),
    cwd: folder,
  })
}

async function waitUntilServing({ run, ports }: RabbitNodeOptions, beam: Child, signal?: AbortSignal) {
  const logFile = rabbitLog(run, ports)
  const api = { managementUrl: `http://127.0.0.1:${ports.management}`, ...guest }
  const serving = async () => {
    if (beam.isRunning()) return checkServing(api, ports.amqp)
    if (saysPortTaken(readTail(logFile))) throw new PortTaken('a port of RabbitMQ was taken meanwhile')
    throw new Hopeless(`RabbitMQ ended while it started. The end of ${logFile}:\n${logTail(logFile)}`)
  }
  return until(serving, {
    what: 'RabbitMQ to serve',
    timeoutMs: START_MS,
    everyMs: 100,
    signal,
    detail: () => `The end of ${logFile}:\n${logTail(logFile)}`,
  })
}

function rabbitLog(run: RunDir, ports: RabbitPorts): string {
  return join(run.path, 'logs', `rabbitmq-${ports.amqp}.log`)
}
