/** The parts as the lab sees them: folders, roles and ports, nothing of their code. */
export type PartName = 'sync-rest' | 'async-rabbitmq' | 'streaming-kafka'

export interface ServiceSpec {
  role: 'order' | 'inventory' | 'notification' | 'analytics'
  /** The folder inside the part. */
  name: string
  /** The file to run, from the repository's root. */
  entry: string
  /** The port when the part runs on its own. */
  defaultPort: 8000 | 8001 | 8002
}

export interface PartSpec {
  name: PartName
  style: string
  broker: 'rabbitmq' | 'kafka' | undefined
  /** The first of its three ports when the parts run side by side. */
  basePort: 8000 | 8100 | 8200
  services: ServiceSpec[]
}

export const parts: Record<PartName, PartSpec> = {
  'sync-rest': {
    name: 'sync-rest',
    style: 'blocking HTTP',
    broker: undefined,
    basePort: 8000,
    services: [
      service('sync-rest', 'order', 'order-service'),
      service('sync-rest', 'inventory', 'inventory-service'),
      service('sync-rest', 'notification', 'notification-service'),
    ],
  },
  'async-rabbitmq': {
    name: 'async-rabbitmq',
    style: 'RabbitMQ topic exchange',
    broker: 'rabbitmq',
    basePort: 8100,
    services: [
      service('async-rabbitmq', 'order', 'order-service'),
      service('async-rabbitmq', 'inventory', 'inventory-service'),
      service('async-rabbitmq', 'notification', 'notification-service'),
    ],
  },
  'streaming-kafka': {
    name: 'streaming-kafka',
    style: 'Kafka topics',
    broker: 'kafka',
    basePort: 8200,
    services: [
      service('streaming-kafka', 'order', 'producer-order'),
      service('streaming-kafka', 'inventory', 'inventory-consumer'),
      service('streaming-kafka', 'analytics', 'analytics-consumer'),
    ],
  },
}

function service(part: PartName, role: ServiceSpec['role'], name: string): ServiceSpec {
  const defaultPort = role === 'order' ? 8000 : role === 'inventory' ? 8001 : 8002
  return { role, name, entry: `${part}/${name}/server.ts`, defaultPort }
}
