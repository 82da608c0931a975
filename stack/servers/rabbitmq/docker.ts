import { startDocker } from '../docker.ts'
import type { Published } from '../docker-container.ts'
import type { ServerContext } from '../server.ts'
import { checkServing } from './api.ts'
import type { RabbitBroker } from './broker.ts'
import { guest } from './config.ts'

/** RabbitMQ with management page in a container of this run, on fixed ports of 127.0.0.1. */
export async function startDockerRabbit(ctx: ServerContext): Promise<RabbitBroker> {
  const managementUrl = ({ host, ports }: Published) => `http://${host}:${ports[1]}`
  const server = await startDocker(ctx, {
    label: 'RabbitMQ',
    image: 'rabbitmq:4-management',
    ports: [5672, 15672],
    environment: () => ({ RABBITMQ_DEFAULT_USER: guest.username, RABBITMQ_DEFAULT_PASS: guest.password }),
    // Inside the container the listener is on the port that every RabbitMQ uses.
    serves: (at) => checkServing({ managementUrl: managementUrl(at), ...guest }, 5672),
  })
  const { host, ports, answer, control, close } = server
  return {
    kind: 'rabbitmq',
    url: `amqp://${guest.username}:${guest.password}@${host}:${ports[0]}`,
    managementUrl: managementUrl(server),
    ...guest,
    version: answer,
    origin: 'docker',
    control,
    close,
  }
}
