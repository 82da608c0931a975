import { until } from '@lab/kit/wait.ts'
import type { ContainerSpec, LabContainer, Published } from './docker-container.ts'
import type { ServerContext, ServerControl } from './server.ts'

export interface DockerOptions<Answer> extends ContainerSpec {
  label: string
  /** Rejects, or answers false or nothing, while the server does not serve. Bounded. */
  serves(at: Published): Promise<Answer | undefined | false>
}

export interface DockerServer<Answer> extends Published {
  /** What the server said when it first served. */
  answer: Answer
  control: ServerControl
  /** The same server on the same ports, with nothing in it. */
  renew(): Promise<void>
  close(): Promise<void>
}

const SERVING_MS = 120_000

/** A server in a container of this run. Resolves when it serves. On failure or abort nothing of it is left. */
export async function startDocker<Answer>(
  ctx: ServerContext,
  options: DockerOptions<Answer>,
): Promise<DockerServer<Answer>> {
  const { label, image } = options
  const { run, env, progress } = ctx
  progress(`${label}: starting a container of ${image}`)
  // testcontainers is large: it is loaded only where it is used.
  const { startContainer } = await import('./docker-container.ts')
  let container = await startContainer(ctx, options)
  try {
    const answer = await waitUntilServing(container, options, ctx.signal)
    progress(`${label}: serving on port ${container.ports[0]}`)
    const { host, ports } = container
    return {
      host,
      ports,
      answer,
      control: {
        kill: () => container.kill(),
        stop: () => container.stop(),
        pause: () => container.pause(),
        resume: () => container.resume(),
        async start() {
          await container.start()
          await waitUntilServing(container, options)
        },
      },
      async renew() {
        await container.close()
        container = await startContainer({ run, env, progress }, options, ports)
        await waitUntilServing(container, options)
      },
      close: () => container.close(),
    }
  } catch (err) {
    await container.close()
    throw err
  }
}

function waitUntilServing<Answer>(
  container: LabContainer,
  { label, serves }: DockerOptions<Answer>,
  signal?: AbortSignal,
): Promise<Answer> {
  return until(() => container.check(() => serves(container)), {
    what: `${label} in Docker to serve`,
    timeoutMs: SERVING_MS,
    everyMs: 200,
    signal,
  })
}
