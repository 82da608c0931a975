import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { readVersion } from '../brokers/rabbit-api.ts'
import type { KafkaBroker, RabbitBroker } from '../brokers/types.ts'
import type { RunningPart, StartPartOptions } from '../part.ts'
import { type PartName, type PartSpec, parts } from '../parts.ts'
import { freePorts } from '../ports.ts'
import type { ServiceProcess } from '../service.ts'
import { type Compose, openCompose } from './cli.ts'
import { composeName, composeOverride, portVariables } from './override.ts'
import { type ComposeService, createComposeService } from './service.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const DOWN_MS = 120_000
const STOP_SECONDS = 12
/** What the part's compose file falls back to; `.env.example` names the variables. */
const RABBIT_LOGIN = { username: 'lab', password: 'lab' }

export type ComposePartOptions = Pick<
  StartPartOptions,
  'run' | 'env' | 'serviceEnv' | 'progress' | 'signal'
> & {
  /** Handed to Compose: it needs PATH, HOME and, where the engine is elsewhere, DOCKER_HOST. */
  processEnv: NodeJS.ProcessEnv
}

/**
 * The part's own compose file as a running part: a project of its own, on free ports, with empty volumes, so a stack
 * that somebody has up is left alone. Services are stopped, killed and started through the engine, never by signals.
 * State is always durable: it is in volumes. Resolves when all three are ready; on failure or abort nothing is left.
 */
export async function startComposePart(name: PartName, options: ComposePartOptions): Promise<RunningPart> {
  const spec = parts[name]
  const { run, progress, signal } = options
  const ports = await freePorts(spec.services.length)
  const brokerPorts = await freePorts(2)
  const logs = await run.sub('logs')
  const override = join(await run.sub('compose'), `${name}-${ports[0]}.json`)
  await writeFile(
    override,
    composeOverride(spec, { runId: run.id, env: options.env ?? {}, serviceEnv: options.serviceEnv ?? {} }),
  )
  await run.usesDocker()
  const adminToken = randomUUID()
  const compose = await openCompose({
    project: `lab-${run.id.toLowerCase()}-${ports[0]}`,
    files: [join(ROOT, name, 'docker-compose.yml'), override],
    env: {
      ...options.processEnv,
      ...portVariables(spec, ports, brokerPorts),
      ...loginVariables(spec),
      ADMIN_TOKEN: adminToken,
    },
    signal,
  })
  const services = spec.services.map((service, at) =>
    createComposeService({
      compose,
      spec: service,
      container: composeName(spec, service),
      port: ports[at]!,
      logFile: join(logs, `${name}-${service.name}.log`),
      signal,
    }),
  )

  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= takeDown(compose, services, signal?.aborted ? 0 : STOP_SECONDS)
    return closing
  }
  try {
    progress?.(`${name}: building the image and starting the containers`)
    await compose.run(['up', '-d', '--build'])
    progress?.(`${name}: waiting for the services to be ready`)
    await Promise.all(services.map((service) => service.waitUntilReady()))
    const brokers = await brokersOf(spec, brokerPorts)
    const processes: ServiceProcess[] = services
    const [order, inventory, third] = processes as [ServiceProcess, ServiceProcess, ServiceProcess]
    return { part: name, order, inventory, third, services, ...brokers, adminToken, close }
  } catch (err) {
    await close()
    throw err
  }
}

/** The logs are kept, the containers, networks and volumes are not. Not bound to the run's signal: it must happen. */
async function takeDown(compose: Compose, services: ComposeService[], graceSeconds: number): Promise<void> {
  const never = new AbortController().signal
  for (const { logFile, container } of services) {
    const text = await compose
      .run(['logs', '--no-color', container], { signal: never, timeoutMs: DOWN_MS })
      .catch((err: Error) => `no logs: ${err.message}\n`)
    appendFileSync(logFile, text)
  }
  await compose.run(['down', '-v', '--remove-orphans', '--timeout', String(graceSeconds)], {
    signal: never,
    timeoutMs: DOWN_MS,
  })
}

const loginVariables = (spec: PartSpec): Record<string, string> =>
  spec.broker === 'rabbitmq'
    ? { RABBITMQ_USER: RABBIT_LOGIN.username, RABBITMQ_PASSWORD: RABBIT_LOGIN.password }
    : {}

async function brokersOf(
  { broker }: PartSpec,
  [port, uiPort]: number[],
): Promise<{ rabbit?: RabbitBroker; kafka?: KafkaBroker }> {
  const shared = { origin: 'docker', close: async () => {} } as const
  if (broker === 'rabbitmq') {
    const api = { managementUrl: `http://127.0.0.1:${uiPort}`, ...RABBIT_LOGIN }
    const url = `amqp://${api.username}:${api.password}@127.0.0.1:${port}`
    return { rabbit: { kind: 'rabbitmq', url, ...api, ...shared, version: await readVersion(api) } }
  }
  if (broker === 'kafka') {
    return { kafka: { kind: 'kafka', brokers: [`127.0.0.1:${port}`], ...shared, version: '4.3.1' } }
  }
  return {}
}
