import { randomBytes } from 'node:crypto'
import { join, resolve } from 'node:path'
import type { KafkaBroker, RabbitBroker } from './brokers/index.ts'
import { wipeKafka } from './kafka-admin.ts'
import { type PartName, type PartSpec, parts, type ServiceSpec } from './parts.ts'
import { freePorts, withFreePorts } from './ports.ts'
import { freshVhost } from './rabbit-vhost.ts'
import type { RunDir } from './run-dir.ts'
import { createService, type ServiceProcess } from './service.ts'
import { contractEnv } from './service-env.ts'

/** The three services of a part, running and ready. */
export interface RunningPart {
  part: PartName
  order: ServiceProcess
  inventory: ServiceProcess
  /** Notification in A and B, analytics in C. */
  third: ServiceProcess
  services: ServiceProcess[]
  /** The broker as this part sees it: its own virtual host, unless `fresh` was false. */
  rabbit?: RabbitBroker
  kafka?: KafkaBroker
  /** The parent of the services' data folders, when `durable`. It lives until the run closes. */
  dataDir?: string
  /** What `/admin` asks for; processes of this machine need none. */
  adminToken?: string
  /**
   * One more instance of a service: its environment and data, a port and a log of its own. Not started; it ends with the
   * part. Absent where services are not processes of this run.
   */
  twin?(role: ServiceSpec['role']): Promise<ServiceProcess>
  /** Stops the services, order first, then deletes the virtual host. Idempotent; the broker keeps running. */
  close(): Promise<void>
}

export interface StartPartOptions {
  run: RunDir
  rabbit?: RabbitBroker
  kafka?: KafkaBroker
  /** 'free' (default), or the first of three consecutive ports. */
  ports?: 'free' | number
  /** Sets DATA_DIR: a folder for each service that outlives its process. */
  durable?: boolean
  /** Where durable state lives; a new folder by default. Give an earlier part's with `fresh: false` to restart it. */
  dataDir?: string
  /** False keeps what the broker holds and uses the given virtual host as it is. Default true: start from nothing. */
  fresh?: boolean
  /** For all services. */
  env?: Record<string, string>
  serviceEnv?: Partial<Record<ServiceSpec['role'], Record<string, string>>>
  /** Where the entries are; the repository by default. */
  root?: string
  progress?: (text: string) => void
  signal?: AbortSignal
}

const ROOT = resolve(import.meta.dirname, '../..')

/** Starts the services of a part in parallel; resolves when all are ready. On failure or abort none is left. */
export async function startPart(name: PartName, options: StartPartOptions): Promise<RunningPart> {
  const spec = parts[name]
  if (spec.broker === 'rabbitmq' && !options.rabbit)
    throw new Error(`${name} needs RabbitMQ, and none was given`)
  if (spec.broker === 'kafka' && !options.kafka) throw new Error(`${name} needs Kafka, and none was given`)
  if (options.ports === undefined || options.ports === 'free') {
    return withFreePorts(spec.services.length, (ports) => startOn(spec, ports, options))
  }
  const base = options.ports
  return startOn(
    spec,
    spec.services.map((_, at) => base + at),
    options,
  )
}

async function startOn(spec: PartSpec, ports: number[], options: StartPartOptions): Promise<RunningPart> {
  options.signal?.throwIfAborted()
  const state = await prepareState(spec, options)
  const lifetime = new AbortController()
  const plan = { spec, ports, options, state, lifetime: lifetime.signal }
  const services = createServices(plan)
  const twins: ServiceProcess[] = []

  let closing: Promise<void> | undefined
  const close = () => {
    lifetime.abort(new Error(`${spec.name} is closed`)) // a start that is under way ends, none begins any more
    closing ??= stopInOrder([...services, ...twins]).finally(state.release)
    return closing
  }
  const twin = async (role: ServiceSpec['role']) => {
    const [port] = await freePorts(1)
    const service = spec.services.find((one) => one.role === role)!
    const created = createOne(plan, { ...service, name: `${service.name}-twin-${twins.length + 1}` }, port!)
    twins.push(created)
    return created
  }
  try {
    options.progress?.(`${spec.name}: starting ${services.map((service) => service.name).join(', ')}`)
    await Promise.all(services.map((service) => service.start()))
  } catch (err) {
    lifetime.abort(err)
    await Promise.all(services.map((service) => service.kill()))
    await close()
    throw err
  }
  options.progress?.(`${spec.name}: ready at ${services.map((service) => service.url).join(', ')}`)
  const [order, inventory, third] = services as [ServiceProcess, ServiceProcess, ServiceProcess]
  return { part: spec.name, order, inventory, third, services, ...state.shown, twin, close }
}

interface PartState {
  shown: Pick<RunningPart, 'rabbit' | 'kafka' | 'dataDir'>
  /** Gives back what was made for this part alone. */
  release: () => Promise<void>
}

/** An empty place on the broker unless `fresh` is false, and a data folder when the part is durable. */
async function prepareState(spec: PartSpec, options: StartPartOptions): Promise<PartState> {
  const { fresh = true, durable, signal } = options
  const shown: PartState['shown'] = {}
  let release = async () => {}
  if (spec.broker === 'rabbitmq') {
    shown.rabbit = fresh ? await freshVhost(options.rabbit!) : options.rabbit!
    if (fresh) release = shown.rabbit.close
  }
  if (spec.broker === 'kafka') {
    shown.kafka = options.kafka!
    if (fresh) await wipeKafka(shown.kafka, { ...(signal && { signal }) })
  }
  if (durable) shown.dataDir = options.dataDir ?? (await newDataDir(options.run, spec))
  return { shown, release }
}

interface Plan {
  spec: PartSpec
  ports: number[]
  options: StartPartOptions
  state: PartState
  lifetime: AbortSignal
}

const createServices = (plan: Plan): ServiceProcess[] =>
  plan.spec.services.map((service, at) => createOne(plan, service, plan.ports[at]!))

/** A twin has another name in its log, and the data of the service with the same role. */
function createOne(
  { spec, ports, options, state, lifetime }: Plan,
  service: ServiceSpec,
  port: number,
): ServiceProcess {
  const { run, signal, root = ROOT } = options
  const urls = ports.map((one) => `http://127.0.0.1:${one}`)
  const original = spec.services.find(({ role }) => role === service.role)!
  return createService({
    run,
    spec: service,
    entry: join(root, service.entry),
    port,
    env: {
      ...contractEnv(spec, original, { urls, ...state.shown }),
      ...options.env,
      ...options.serviceEnv?.[service.role],
    },
    logFile: join(run.path, 'logs', `${spec.name}-${service.name}.log`),
    signal: signal ? AbortSignal.any([signal, lifetime]) : lifetime,
  })
}

/** Intake first; the rest then has nothing more to wait for and stops together. */
async function stopInOrder([order, ...others]: ServiceProcess[]): Promise<void> {
  await order?.stop()
  await Promise.all(others.map((service) => service.stop()))
}

async function newDataDir(run: RunDir, spec: PartSpec): Promise<string> {
  return run.sub(join('data', `${spec.name}-${randomBytes(3).toString('hex')}`))
}
