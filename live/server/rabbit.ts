import type { RabbitApi } from '@lab/stack/servers/rabbitmq/api.ts'
import type { LivePart } from '../wire/parts.ts'

export type Rabbit = NonNullable<LivePart['servers']['rabbitmq']>

/** The management API with the credentials of the AMQP address. */
export function apiOf({ managementUrl, amqpUrl }: Rabbit): RabbitApi {
  const { username, password } = new URL(amqpUrl)
  return {
    managementUrl: managementUrl.replace(/\/+$/, ''),
    username: decodeURIComponent(username || 'guest'),
    password: decodeURIComponent(password || 'guest'),
  }
}
