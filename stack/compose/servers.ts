import type { ServerName, Servers } from '../servers/index.ts'
import { readVersion } from '../servers/rabbitmq/api.ts'

/** What the compose files fall back to; `.env.example` names the variables. */
const RABBIT_LOGIN = { username: 'lab', password: 'lab' }

/** The credentials that a stack of the lab's own is started with, whatever the shell has. */
export const composeLogins = {
  RABBITMQ_USER: RABBIT_LOGIN.username,
  RABBITMQ_PASSWORD: RABBIT_LOGIN.password,
}

/** The servers of a part's compose file, once it is up; `port` tells where a port variable of the file led. */
export async function composeServers(
  names: readonly ServerName[],
  port: (variable: string) => number,
): Promise<Partial<Servers>> {
  const shared = { origin: 'docker', close: async () => {} } as const
  const servers: Partial<Servers> = {}
  if (names.includes('rabbitmq')) {
    const api = { managementUrl: `http://127.0.0.1:${port('RABBITMQ_MANAGEMENT_PORT')}`, ...RABBIT_LOGIN }
    const url = `amqp://${api.username}:${api.password}@127.0.0.1:${port('RABBITMQ_PORT')}`
    servers.rabbitmq = { kind: 'rabbitmq', url, ...api, ...shared, version: await readVersion(api) }
  }
  if (names.includes('kafka')) {
    const brokers = [`127.0.0.1:${port('KAFKA_PORT')}`]
    servers.kafka = { kind: 'kafka', brokers, prefix: '', ...shared, version: '4.3.1' }
  }
  if (names.includes('mosquitto')) {
    const url = `mqtt://127.0.0.1:${port('MQTT_PORT')}`
    const wsUrl = `ws://127.0.0.1:${port('MQTT_WS_PORT')}/mqtt`
    servers.mosquitto = { kind: 'mosquitto', url, wsUrl, ...shared, version: '2' }
  }
  if (names.includes('redis')) {
    const login = { username: 'platform', password: 'pizza' }
    const at = { host: '127.0.0.1', port: port('REDIS_PORT'), tls: false, db: 0 }
    servers.redis = { kind: 'redis', ...at, login, admin: login, ...shared, version: '7' }
  }
  return servers
}
