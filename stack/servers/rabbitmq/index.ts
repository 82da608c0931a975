import { freshVhost } from '../../rabbit-vhost.ts'
import { isRunName } from '../../run-names.ts'
import type { ServerKind } from '../server.ts'
import type { RabbitBroker } from './broker.ts'
import { startDockerRabbit } from './docker.ts'
import { readRabbitAddress, useExternalRabbit } from './external.ts'
import { findRabbit, rabbitPiece } from './find.ts'
import { startLocalRabbit } from './local.ts'

export const rabbitmq: ServerKind<RabbitBroker> = {
  name: 'rabbitmq',
  label: 'RabbitMQ',
  variable: 'RABBITMQ_URL',
  external: {
    address(env) {
      const { url, managementUrl } = readRabbitAddress(env)
      return `${new URL(url).host}, management at ${managementUrl}`
    },
    use: useExternalRabbit,
  },
  docker: startDockerRabbit,
  local: {
    async pieces(env) {
      const rabbit = findRabbit(env)
      return [{ piece: rabbitPiece, found: rabbit && `RabbitMQ ${rabbit.version} (${rabbit.server})` }]
    },
    start: startLocalRabbit,
  },
  address: ({ url }) => new URL(url).host,
  page: ({ managementUrl, username, password }) => ({
    url: managementUrl,
    login: `${username} / ${password}`,
  }),
  env: ({ url }) => ({ RABBITMQ_URL: url }),
  place: (broker) => freshVhost(broker),
  isOwnPlace: ({ url }) => isRunName(decodeURIComponent(new URL(url).pathname.slice(1))),
}
