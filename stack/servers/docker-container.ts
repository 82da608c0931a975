import { Hopeless } from '@lab/kit/wait.ts'
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers'
import { isPortFree, PortTaken, saysPortTaken, withFreePorts } from '../ports.ts'
import { callEngine, RUN_LABEL, removeContainer } from './docker-engine.ts'
import type { ServerContext, ServerControl } from './server.ts'

export interface ContainerSpec {
  image: string
  /** Ports inside the container; each is published on a port of the host that stays the same. */
  ports: number[]
  environment?(host: string, published: number[]): Record<string, string>
  /** Written into the container before it starts. */
  files?: { target: string; content: string }[]
  /** In place of the image's own. */
  command?: string[]
}

/** Where the published ports are reached. */
export interface Published {
  host: string
  ports: number[]
}

export interface LabContainer extends ServerControl, Published {
  /** Asks `serves` and, when the answer is an error, whether there is any hope: rejects with `Hopeless` if it ended. */
  check<T>(serves: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

const LOOPBACK = '127.0.0.1'
const STOP_SECONDS = 20

/** Starts a container labelled with the run; resolves when it runs, not when it serves. */
export async function startContainer(
  ctx: ServerContext,
  spec: ContainerSpec,
  samePorts?: number[],
): Promise<LabContainer> {
  await ctx.run.usesDocker()
  if (samePorts) return startOn(ctx, spec, samePorts)
  return withFreePorts(spec.ports.length, (ports) => startOn(ctx, spec, ports))
}

async function startOn(ctx: ServerContext, spec: ContainerSpec, ports: number[]): Promise<LabContainer> {
  const host = await publishedHost()
  const container = new LabGenericContainer(spec.image, host, ctx.env)
    .withLabels({ [RUN_LABEL]: ctx.run.id })
    .withEnvironment(spec.environment?.(host, ports) ?? {})
    .withCopyContentToContainer(spec.files ?? [])
    .withExtraHosts([{ host: 'host.docker.internal', ipAddress: 'host-gateway' }])
    .withExposedPorts(...spec.ports.map((inside, at) => ({ container: inside, host: ports[at]! })))
    // Serving is what the caller waits for, with the same questions as for any other broker.
    .withWaitStrategy(Wait.forAll([])) as LabGenericContainer
  if (spec.command) container.withCommand(spec.command)
  try {
    const started = await withSignal(container.start(), container, ctx)
    return control(started.getId(), { host, ports, env: ctx.env })
  } catch (err) {
    await container.discard()
    ctx.signal?.throwIfAborted()
    const text = String(err)
    if (saysPortTaken(text) || text.includes('port is already allocated')) throw new PortTaken(text)
    throw err
  }
}

/**
 * Where this process reaches published ports. testcontainers answers the gateway of Docker's network when it believes
 * to run in a container itself. When that address is one of our own, the engine shares our network: loopback will do.
 */
async function publishedHost(): Promise<string> {
  const { host } = (await getContainerRuntimeClient()).info.containerRuntime
  const isOurs = host === 'localhost' || (await isPortFree(0, host))
  return isOurs ? LOOPBACK : host
}

/** testcontainers cannot be aborted: an abort lets go of its start, and the container refuses to come into being. */
async function withSignal<T>(start: Promise<T>, container: LabGenericContainer, { signal }: ServerContext) {
  if (!signal) return start
  const aborted = Promise.withResolvers<never>()
  const giveUp = () => {
    container.abandoned = true
    aborted.reject(signal.reason)
  }
  signal.addEventListener('abort', giveUp)
  if (signal.aborted) giveUp()
  start.catch(() => {}) // after an abort nobody else listens to how it ends
  try {
    return await Promise.race([start, aborted.promise])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

/** Knows its container as soon as it exists, and publishes on the loopback address when the engine is local. */
class LabGenericContainer extends GenericContainer {
  abandoned = false
  readonly #host: string
  readonly #env: NodeJS.ProcessEnv
  #id: string | undefined

  constructor(image: string, host: string, env: NodeJS.ProcessEnv) {
    super(image)
    this.#host = host
    this.#env = env
  }

  protected override async beforeContainerCreated(): Promise<void> {
    if (this.abandoned) throw new Error('the start was aborted')
    if (this.#host !== LOOPBACK) return
    const bindings = this.hostConfig.PortBindings as Record<string, { HostIp?: string; HostPort: string }[]>
    for (const binding of Object.values(bindings).flat()) binding.HostIp = '127.0.0.1'
  }

  protected override async containerCreated(id: string): Promise<void> {
    this.#id = id
    if (this.abandoned) await this.discard() // its start then fails
  }

  /** Removes the container when there is one. */
  async discard(): Promise<void> {
    if (this.#id) await removeContainer(this.#id, this.#env)
  }
}

function control(
  id: string,
  { host, ports, env }: { host: string; ports: number[]; env: NodeJS.ProcessEnv },
): LabContainer {
  const call = async (path: string, timeoutMs?: number) => {
    const options = { env, ...(timeoutMs && { timeoutMs }) }
    const { status, body } = await callEngine('POST', `/containers/${id}/${path}`, options)
    // 304 and 409: it is in that state already.
    if (status >= 400 && status !== 409) throw new Error(`Docker: ${path} answered ${status} ${body.trim()}`)
  }
  let closing: Promise<void> | undefined
  return {
    host,
    ports,
    check: (serves) =>
      serves().catch(async (err: unknown) => {
        await refuseEnded(id, env)
        throw err
      }),
    async kill() {
      await call('kill?signal=SIGKILL')
      await call('wait?condition=not-running')
    },
    stop: () => call(`stop?t=${STOP_SECONDS}`, (STOP_SECONDS + 10) * 1000),
    start: () => call('start'),
    pause: () => call('pause'),
    resume: () => call('unpause'),
    close() {
      closing ??= removeContainer(id, env)
      return closing
    },
  }
}

async function refuseEnded(id: string, env: NodeJS.ProcessEnv): Promise<void> {
  const { body } = await callEngine('GET', `/containers/${id}/json`, { env })
  const { State } = JSON.parse(body) as { State?: { Running: boolean } }
  if (State?.Running) return
  const log = await callEngine('GET', `/containers/${id}/logs?stdout=1&stderr=1&tail=12`, { env })
  // Each line of the engine's log stream is preceded by eight bytes that are not text.
  const lines = log.body.split('\n').map((line) => `  ${line.slice(8)}`)
  throw new Hopeless(
    `the container ended while it started. The end of its log:\n${lines.join('\n').trimEnd()}`,
  )
}
