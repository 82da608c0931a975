import { until } from '@lab/kit/wait.ts'
import type { ServerName, Servers } from '../servers/index.ts'
import { readVersion } from '../servers/rabbitmq/api.ts'
import type { Login } from '../servers/redis.ts'
import type { ServerControl } from '../servers/server.ts'
import type { PartSpec } from '../spec.ts'
import { type Compose, ComposeError } from './cli.ts'

/** What the compose files fall back to; `.env.example` names the variables. */
const RABBIT_LOGIN = { username: 'lab', password: 'lab' }

/** The credentials that a stack of the lab's own is started with, whatever the shell has. */
export const composeLogins = {
  RABBITMQ_USER: RABBIT_LOGIN.username,
  RABBITMQ_PASSWORD: RABBIT_LOGIN.password,
}

/** The servers of a part's compose file, once it is up; `port` tells where a port variable of the file led. */
export async function composeServers(
  spec: PartSpec,
  compose: Compose,
  port: (variable: string) => number,
  /** Who may do everything on Redis, where its ACL says who may do what. */
  redisAdmin?: Login,
): Promise<Partial<Servers>> {
  const found = spec.servers.map(async (name) => {
    const container = spec.compose.servers?.[name] ?? name
    const [main = 0, second = 0] = (spec.compose.helpers[container] ?? []).map(port)
    const shared = {
      origin: 'docker',
      control: controlOf(compose, container),
      close: async () => {},
    } as const
    return [name, { ...(await READERS[name](spec, main, second, redisAdmin)), ...shared }]
  })
  return Object.fromEntries(await Promise.all(found))
}

type Reader<Name extends ServerName> = (
  spec: PartSpec,
  port: number,
  second: number,
  redisAdmin: Login | undefined,
) => Promise<Omit<Servers[Name], 'origin' | 'control' | 'close'>>

/** What the lab knows of a server by the ports of its container, in the order of the helper's variables. */
const READERS: { [Name in ServerName]: Reader<Name> } = {
  async rabbitmq(_, port, management) {
    const api = { managementUrl: `http://127.0.0.1:${management}`, ...RABBIT_LOGIN }
    const url = `amqp://${api.username}:${api.password}@127.0.0.1:${port}`
    return { kind: 'rabbitmq', url, ...api, version: await readVersion(api) }
  },
  kafka: async (_, port) => ({
    kind: 'kafka',
    brokers: [`127.0.0.1:${port}`],
    prefix: '',
    version: '4.3.1',
  }),
  mosquitto: async (_, port, wsPort) => ({
    kind: 'mosquitto',
    url: `mqtt://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${wsPort}/mqtt`,
    version: '2',
  }),
  async redis({ serverOptions }, port, _, admin) {
    const login = serverOptions?.redis?.acl?.login ?? { username: 'default', password: '' }
    const at = { host: '127.0.0.1', port, tls: false, db: 0 }
    return { kind: 'redis', ...at, login, admin: admin ?? login, version: '7' }
  },
  postgres: async (_, port) => ({
    kind: 'postgres',
    url: `postgresql://root@127.0.0.1:${port}/defaultdb?sslmode=disable`,
    version: 'CockroachDB 25.4',
  }),
  clickhouse: async (_, port) => ({
    kind: 'clickhouse',
    url: `http://127.0.0.1:${port}`,
    database: 'restman_analytics',
    version: '26.7',
  }),
  mail: async (_, port, page) => ({
    kind: 'mail',
    host: '127.0.0.1',
    port,
    username: '',
    password: '',
    secure: false,
    apiUrl: `http://127.0.0.1:${page}`,
    version: 'Mailpit 1.27',
  }),
  prometheus: async () => {
    throw new ComposeError('no compose file of a part has a Prometheus that its experiments need')
  },
}

const BACK_MS = 120_000
const STOP_SECONDS = 12

/** The same verbs as for a process of the run; `start` resolves when the container says that it is healthy. */
function controlOf(compose: Compose, container: string): ServerControl {
  const run = async (...args: string[]) => void (await compose.run(args))
  const isBack = async () => {
    const state = await compose.state(container)
    return state?.Running === true && (state.Health?.Status ?? 'healthy') === 'healthy'
  }
  return {
    kill: () => run('kill', '-s', 'SIGKILL', container),
    stop: () => run('stop', '--timeout', String(STOP_SECONDS), container),
    async start() {
      await run('start', container)
      await until(isBack, { what: `${container} to be healthy`, timeoutMs: BACK_MS, everyMs: 250 })
    },
    pause: () => run('pause', container),
    resume: () => run('unpause', container),
  }
}
