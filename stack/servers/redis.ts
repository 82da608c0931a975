import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { RedisClientType } from 'redis'
import { isAbandoned, newRunName } from '../run-names.ts'
import { startDocker } from './docker.ts'
import { readUrl } from './external.ts'
import { startLocal } from './local.ts'
import { onPath, requirePiece } from './pieces.ts'
import type { Piece, Server, ServerContext, ServerKind } from './server.ts'

export interface RedisServer extends Server {
  kind: 'redis'
  host: string
  port: number
  tls: boolean
  /** The number of the database. */
  db: number
  /** Whom services log in as. */
  login: Login
  /** Whom the lab logs in as, to find places and to empty them. */
  admin: Login
}

export interface Login {
  username: string
  password: string
}

export interface RedisOptions {
  /** An ACL file, and who of it the services are. By default one user who may do all that is not an administrator's. */
  acl?: { file: string; login: Login }
}

const piece: Piece = {
  label: 'Redis',
  packages: {
    debian: ['redis-server'],
    fedora: 'redis',
    brew: 'redis',
    service: 'redis-server',
  },
}

export const redis: ServerKind<RedisServer, RedisOptions> = {
  name: 'redis',
  label: 'Redis',
  variable: 'REDIS_URL',
  external: { address: (env) => addressOf(readRedisAddress(env)), use: useExternal },
  docker: startInDocker,
  local: {
    async pieces(env) {
      const found = await findRedis(env)
      return [{ piece, found: found && `Redis ${found.version} (${found.command})` }]
    },
    start: startHere,
  },
  address: addressOf,
  env: (server) => ({
    REDIS_URL: urlOf(server),
    REDIS_HOST: server.host,
    REDIS_PORT: String(server.port),
    REDIS_USERNAME: server.login.username,
    REDIS_PASSWORD: server.login.password,
    REDIS_DB: String(server.db),
    ...(server.tls && { REDIS_TLS: 'true' }),
  }),
  /** A numbered database. Channels are not part of it: every client of the server hears them. */
  async place(server, { part }) {
    const owner = `${newRunName()} ${part}`
    const db = await claim(server, owner)
    let closing: Promise<void> | undefined
    const close = () => {
      closing ??= release({ ...server, db }, owner)
      return closing
    }
    return { ...server, db, close }
  },
}

async function startHere(ctx: ServerContext, options: RedisOptions = {}): Promise<RedisServer> {
  const program = await requirePiece(piece, ctx, findRedis)
  const access = await readAccess(options)
  const { ports, answer, control, close } = await startLocal(ctx, {
    name: 'redis',
    label: 'Redis',
    version: program.version,
    ports: 1,
    async prepare({ folder, ports: [port] }) {
      const paths = { config: join(folder, 'redis.conf'), acl: join(folder, 'users.acl') }
      const config = configOf({ port: port!, bind: '127.0.0.1', folder, acl: paths.acl })
      await writeFile(paths.config, config)
      await writeFile(paths.acl, access.acl, { mode: 0o600 })
      const at = { host: '127.0.0.1', port: port!, tls: false, db: 0, admin: access.admin }
      return { command: program.command, args: [paths.config], serves: () => checkRedis(at) }
    },
  })
  const { login, admin } = access
  const at = { host: '127.0.0.1', port: ports[0]!, tls: false, db: 0 }
  return { kind: 'redis', ...at, login, admin, version: answer, origin: 'local', control, close }
}

async function startInDocker(ctx: ServerContext, options: RedisOptions = {}): Promise<RedisServer> {
  const { acl, login, admin } = await readAccess(options)
  const paths = { config: '/usr/local/etc/redis.conf', acl: '/usr/local/etc/users.acl' }
  const { host, ports, answer, control, close } = await startDocker(ctx, {
    label: 'Redis',
    image: 'redis:7',
    ports: [6379],
    files: [
      {
        target: paths.config,
        content: configOf({ port: 6379, bind: '0.0.0.0', folder: '/data', acl: paths.acl }),
      },
      { target: paths.acl, content: acl },
    ],
    command: ['redis-server', paths.config],
    serves: (at) => checkRedis({ host: at.host, port: at.ports[0]!, tls: false, db: 0, admin }),
  })
  const at = { host, port: ports[0]!, tls: false, db: 0 }
  return { kind: 'redis', ...at, login, admin, version: answer, origin: 'docker', control, close }
}

interface ConfigOptions {
  port: number
  bind: string
  folder: string
  acl: string
}

/** What was acknowledged is on disk. A title would be written over the environment, which says whose process it is. */
const configOf = ({ port, bind, folder, acl }: ConfigOptions): string => `port ${port}
bind ${bind}
dir ${folder}
logfile ""
aclfile ${acl}
set-proc-title no
appendonly yes
appendfsync always
save ""
`

const newPassword = (): string => randomBytes(16).toString('hex')

/** The ACL of a server of the lab's own: whom the part wants, and a user of the lab's who may do everything. */
export async function readAccess({
  acl,
}: RedisOptions): Promise<{ acl: string; login: Login; admin: Login }> {
  const admin = { username: 'lab', password: newPassword() }
  const lab = `user lab on >${admin.password} ~* &* +@all\n`
  if (acl)
    return { acl: `${checkAcl(acl.file, await readFile(acl.file, 'utf8'))}\n${lab}`, login: acl.login, admin }
  const login = { username: 'app', password: newPassword() }
  const app = `user app on >${login.password} ~* &* +@all -@admin -@dangerous +info\n`
  return { acl: `user default off ~* &* +@all\n${app}${lab}`, login, admin }
}

/**
 * Redis replays its log as the user `default`. Where that one may do nothing, transactions and scripts that write are
 * dropped without a word at the next start (redis#14541): a closed default user keeps its rights.
 */
export function checkAcl(file: string, text: string): string {
  const rule = text.split('\n').find((line) => /^\s*user\s+default\s/.test(line))
  if (rule && !(rule.includes('~*') && rule.includes('+@all') && !rule.includes('-@'))) {
    throw new Error(
      `${file}: the user "default" must keep its rights, or Redis loses transactions when it starts again: write "user default off ~* &* +@all"`,
    )
  }
  return text
}

// Addresses

type Address = Pick<RedisServer, 'host' | 'port' | 'tls' | 'db'>

function addressOf({ host, port, db }: Address): string {
  return `${host}:${port}${db === 0 ? '' : `, database ${db}`}`
}

function urlOf({ host, port, tls, db, login }: Address & Pick<RedisServer, 'login'>): string {
  const url = new URL(`redis${tls ? 's' : ''}://${host}:${port}/${db}`)
  Object.assign(url, login)
  return url.href
}

/** What REDIS_URL says, without asking the server. */
export function readRedisAddress(env: NodeJS.ProcessEnv): Address & { login: Login } {
  const url = readUrl('REDIS_URL', env, ['redis:', 'rediss:'])
  const login = {
    username: decodeURIComponent(url.username) || 'default',
    password: decodeURIComponent(url.password),
  }
  const db = Number(url.pathname.slice(1) || 0)
  if (!Number.isInteger(db))
    throw new Error('REDIS_URL: what follows the host is not the number of a database')
  return { host: url.hostname, port: Number(url.port || 6379), tls: url.protocol === 'rediss:', db, login }
}

async function useExternal({ env, progress, signal }: ServerContext): Promise<RedisServer> {
  const address = readRedisAddress(env)
  const server = { ...address, admin: address.login }
  const version = await checkRedis(server).catch((err: unknown) => {
    throw new Error(`Redis at ${addressOf(address)} cannot be used: ${(err as Error).message}`, {
      cause: err,
    })
  })
  signal?.throwIfAborted()
  progress(`Redis ${version}: using ${addressOf(address)}`)
  return { kind: 'redis', ...server, version, origin: 'external', close: async () => {} }
}

// Calls

const CALL_MS = 5_000

/** Rejects while it does not serve, which includes reading its log; answers its version when it does. */
function checkRedis(server: Address & Pick<RedisServer, 'admin'>): Promise<string> {
  return withClient(server, async (client) => {
    await client.ping()
    const info = await client.info('server').catch(() => '') // not everybody may ask
    return info.match(/redis_version:(\S+)/)?.[1] ?? 'unknown'
  })
}

/** Runs `work` with a client of the lab's own user, which it ends, also on failure. Each call is bounded. */
async function withClient<T>(
  { host, port, tls, db, admin }: Address & Pick<RedisServer, 'admin'>,
  work: (client: RedisClientType) => Promise<T>,
): Promise<T> {
  const { createClient } = await import('redis') // takes half a second: only where it is used
  const client: RedisClientType = createClient({
    url: urlOf({ host, port, tls, db, login: admin }),
    disableOfflineQueue: true,
    socket: { reconnectStrategy: false, connectTimeout: CALL_MS, socketTimeout: CALL_MS },
  })
  client.on('error', () => {
    // The call that waits fails too.
  })
  await client.connect()
  try {
    return await work(client)
  } finally {
    client.destroy()
  }
}

const PLACE = 'messaging-lab:place'
const USUAL_DATABASES = 16

/** The first database with nothing in it, or with what a killed run of this machine and user left. */
async function claim(server: RedisServer, owner: string): Promise<number> {
  const count = await withClient(server, (client) => client.configGet('databases')).catch(() => ({})) // not allowed
  const databases = Number((count as Record<string, string>).databases ?? USUAL_DATABASES)
  for (let db = 0; db < databases; db++) {
    const isOurs = await withClient({ ...server, db }, async (client) => {
      const mark = await client.get(PLACE)
      if (mark !== null && isAbandoned(mark)) await client.flushDb()
      return client.eval(CLAIM, { keys: [PLACE], arguments: [owner] })
    })
    if (isOurs === 1) return db
  }
  throw new Error(`Redis at ${addressOf(server)} has no empty database: it has ${databases}`)
}

const CLAIM = `if redis.call('DBSIZE') > 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1`

async function release(place: RedisServer, owner: string): Promise<void> {
  try {
    await withClient(place, async (client) => {
      // A mark that is gone, or another's: whose data is this?
      if (place.origin === 'external' && (await client.get(PLACE)) !== owner) return
      await client.flushDb()
    })
  } catch (err) {
    // A server of this run takes its data along when it goes; it may be gone already.
    if (place.origin === 'external')
      throw new Error(`database ${place.db} of Redis is not emptied`, { cause: err })
  }
}

async function findRedis(env: NodeJS.ProcessEnv): Promise<{ command: string; version: string } | undefined> {
  const command = onPath('redis-server', env)
  if (!command) return undefined
  const { stdout } = await promisify(execFile)(command, ['--version'], { timeout: 10_000 })
  return { command, version: stdout.match(/v=(\S+)/)?.[1] ?? 'unknown' }
}
