import type { Server } from '../server.ts'

export interface RabbitBroker extends Server {
  kind: 'rabbitmq'
  /** AMQP URL with credentials and virtual host. */
  url: string
  /** Base URL of the management API and page, without credentials. */
  managementUrl: string
  username: string
  password: string
  /** Runs rabbitmqctl against this node. Absent where it is not at hand. */
  ctl?(...args: string[]): Promise<void>
}
