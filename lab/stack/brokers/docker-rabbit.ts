import { until } from '../wait.ts'
import { type LabContainer, startContainer } from './docker-container.ts'
import { checkServing } from './rabbit-api.ts'
import { guest } from './rabbit-node.ts'
import type { BrokerContext, RabbitBroker } from './types.ts'

const IMAGE = 'rabbitmq:4-management'
const SERVING_MS = 120_000

/** RabbitMQ with management page in a container of this run, on fixed ports of 127.0.0.1. */
export async function startDockerRabbit(ctx: BrokerContext): Promise<RabbitBroker> {
  ctx.progress(`RabbitMQ: starting a container of ${IMAGE}`)
  const container = await startContainer(ctx, {
    image: IMAGE,
    ports: [5672, 15672],
    environment: () => ({ RABBITMQ_DEFAULT_USER: guest.username, RABBITMQ_DEFAULT_PASS: guest.password }),
  })
  try {
    const version = await waitUntilServing(container, ctx.signal)
    ctx.progress(`RabbitMQ ${version}: serving on port ${container.ports[0]}`)
    return describe(container, version)
  } catch (err) {
    await container.close()
    throw err
  }
}

function describe(container: LabContainer, version: string): RabbitBroker {
  const { host, ports, kill, stop, pause, resume, close } = container
  return {
    kind: 'rabbitmq',
    url: `amqp://${guest.username}:${guest.password}@${host}:${ports[0]}`,
    managementUrl: managementUrl(container),
    ...guest,
    version,
    origin: 'docker',
    control: {
      kill,
      stop,
      pause,
      resume,
      async start() {
        await container.start()
        await waitUntilServing(container)
      },
    },
    close,
  }
}

function managementUrl({ host, ports }: LabContainer): string {
  return `http://${host}:${ports[1]}`
}

function waitUntilServing(container: LabContainer, signal?: AbortSignal): Promise<string> {
  // Inside the container the listener is on the port that every RabbitMQ uses.
  const api = { managementUrl: managementUrl(container), ...guest }
  const serving = () => container.check(() => checkServing(api, 5672))
  return until(serving, { what: 'RabbitMQ in Docker to serve', timeoutMs: SERVING_MS, everyMs: 200, signal })
}
