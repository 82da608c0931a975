import { randomBytes } from 'node:crypto'
import { join, resolve } from 'node:path'
import { buildPage } from './pages.ts'
import { freePorts, withFreePorts } from './ports.ts'
import type { RunDir } from './run-dir.ts'
import type { ServerName, Servers } from './servers/index.ts'
import { kindOf, serverKinds } from './servers/index.ts'
import { createService, type ServiceProcess } from './service.ts'
import type { PartSpec, RunningPart, ServiceSpec } from './spec.ts'

export interface StartPartOptions {
  run: RunDir
  /** One for each name in the spec's `servers`. */
  servers?: Partial<Servers>
  /** 'free' (default), or the first of as many consecutive ports as there are services. */
  ports?: 'free' | number | readonly number[]
  /** Sets DATA_DIR: a folder for each service that outlives its process. */
  durable?: boolean
  /** Where durable state lives; a new folder by default. Give an earlier part's with `fresh: false` to restart it. */
  dataDir?: string
  /** False keeps what the servers hold and uses the given places as they are. Default true: start from nothing. */
  fresh?: boolean
  /** For all services. */
  env?: Record<string, string>
  /** By the name of the service. */
  serviceEnv?: Record<string, Record<string, string>>
  /** Where the entries are; the repository by default. */
  root?: string
  progress?: (text: string) => void
  signal?: AbortSignal
}

const ROOT = resolve(import.meta.dirname, '..')

/** Starts the services of a part in parallel; resolves when all are ready. On failure or abort none is left. */
export async function startPart(spec: PartSpec, options: StartPartOptions): Promise<RunningPart> {
  for (const name of spec.servers) {
    if (!options.servers?.[name])
      throw new Error(`${spec.name} needs ${serverKinds[name].label}, and none was given`)
  }
  const { ports = 'free' } = options
  if (ports === 'free') return withFreePorts(spec.services.length, (free) => startOn(spec, free, options))
  return startOn(spec, typeof ports === 'number' ? spec.services.map((_, at) => ports + at) : ports, options)
}

async function startOn(
  spec: PartSpec,
  ports: readonly number[],
  options: StartPartOptions,
): Promise<RunningPart> {
  options.signal?.throwIfAborted()
  const pageDirs = await buildPages(spec, options)
  const state = await prepareState(spec, options)
  const lifetime = new AbortController()
  const plan = { spec, ports, options, pageDirs, state, lifetime: lifetime.signal }
  const services = spec.services.map((service, at) => createOne(plan, service, service.name, ports[at]!))
  const twins: ServiceProcess[] = []

  let closing: Promise<void> | undefined
  const close = () => {
    lifetime.abort(new Error(`${spec.name} is closed`)) // a start that is under way ends, none begins any more
    closing ??= stopInOrder([...services, ...twins]).finally(state.release)
    return closing
  }
  const twin = async (name: string) => {
    const [port] = await freePorts(1)
    const service = spec.services.find((one) => one.name === name)!
    const created = createOne(plan, service, `${name}-twin-${twins.length + 1}`, port!)
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
  return { spec, services: byName(services), ...state.shown, twin, close }
}

export const byName = <One extends { readonly name: string }>(all: readonly One[]): Record<string, One> =>
  Object.fromEntries(all.map((one) => [one.name, one]))

/** The built page of each service that serves one, by the service's name. */
async function buildPages(spec: PartSpec, options: StartPartOptions): Promise<Record<string, string>> {
  const { progress, signal, root = ROOT } = options
  const built = spec.services.map(async ({ name, page }) => {
    if (!page) return []
    const sources = page.sources?.map((path) => join(root, path)) ?? []
    const dir = await buildPage(join(root, page.folder), {
      sources,
      signal,
      ...(progress && { progress }),
    })
    return [[name, dir] as const]
  })
  return Object.fromEntries((await Promise.all(built)).flat())
}

interface PartState {
  shown: Pick<RunningPart, 'dataDir'> & { servers: Partial<Servers> }
  /** Gives back what was made for this part alone. */
  release: () => Promise<void>
}

/** An empty place on each server unless `fresh` is false, and a data folder when the part is durable. */
async function prepareState(spec: PartSpec, options: StartPartOptions): Promise<PartState> {
  const { fresh = true, durable, signal, run } = options
  const servers: Partial<Servers> = {}
  const releases: (() => Promise<void>)[] = []
  const release = async () => {
    for (const one of releases.reverse()) await one()
  }
  try {
    for (const name of spec.servers)
      releases.push(await place(spec, name, servers, options.servers!, { fresh, signal }))
    const dataDir = durable && (options.dataDir ?? (await newDataDir(run, spec)))
    return { shown: { servers, ...(dataDir && { dataDir }) }, release }
  } catch (err) {
    await release()
    throw err
  }
}

interface Placing {
  fresh: boolean
  signal: AbortSignal | undefined
}

/** Puts the part's own place on the server into `servers`; answers how to give it back. */
async function place(
  { name: part, databases = [] }: PartSpec,
  name: ServerName,
  servers: Partial<Servers>,
  given: Partial<Servers>,
  { fresh, signal }: Placing,
): Promise<() => Promise<void>> {
  const server = given[name]!
  const kind = kindOf(server)
  if (!fresh) {
    // What an earlier part had is used again; what no run made on somebody else's server is not touched.
    if (server.origin === 'external' && kind.isOwnPlace?.(server) !== true)
      throw new Error(`${part} was given ${kind.label} of somebody else, and no place on it of its own`)
    Object.assign(servers, { [name]: server })
    return async () => {}
  }
  const placed = await kind.place(server, { part, services: [...databases], ...(signal && { signal }) })
  Object.assign(servers, { [name]: placed })
  return placed.close
}

interface Plan {
  spec: PartSpec
  ports: readonly number[]
  options: StartPartOptions
  pageDirs: Record<string, string>
  state: PartState
  lifetime: AbortSignal
}

/** A twin has another name in its log, and the data of the service it is the twin of. */
function createOne(
  { spec, ports, options, pageDirs, state, lifetime }: Plan,
  service: ServiceSpec,
  name: string,
  port: number,
) {
  const { run, signal, root = ROOT } = options
  const urls = Object.fromEntries(spec.services.map((one, at) => [one.name, `http://127.0.0.1:${ports[at]}`]))
  const { servers, dataDir } = state.shown
  const peers = Object.entries(urls).filter(([peer]) => peer !== service.name)
  return createService({
    run,
    name,
    entry: join(root, service.entry),
    port,
    ...(service.heap && { heap: service.heap }),
    env: {
      PEERS: peers.map((peer) => peer.join('=')).join(','),
      ...service.env({ urls, servers: servers as Servers }),
      ...(dataDir && { DATA_DIR: join(dataDir, service.name) }),
      ...(pageDirs[service.name] !== undefined && { PAGE_DIR: pageDirs[service.name]! }),
      ...options.env,
      ...options.serviceEnv?.[service.name],
    },
    logFile: join(run.path, 'logs', `${spec.name}-${name}.log`),
    signal: signal ? AbortSignal.any([signal, lifetime]) : lifetime,
  })
}

/** Intake first; the rest then has nothing more to wait for and stops together. */
async function stopInOrder([first, ...others]: ServiceProcess[]): Promise<void> {
  await first?.stop()
  await Promise.all(others.map((service) => service.stop()))
}

async function newDataDir(run: RunDir, spec: PartSpec): Promise<string> {
  return run.sub(join('data', `${spec.name}-${randomBytes(3).toString('hex')}`))
}
