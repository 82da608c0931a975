import { createRequire } from 'node:module'
import { join } from 'node:path'
import { request } from 'undici'
import { isAbandoned, newRunName } from '../../run-names.ts'
import { startDocker } from '../docker.ts'
import { readUrl } from '../external.ts'
import { plainEnv, startLocal } from '../local.ts'
import { requirePiece } from '../pieces.ts'
import type { Piece, Server, ServerContext, ServerKind } from '../server.ts'

export interface ClickHouseServer extends Server {
  kind: 'clickhouse'
  /** Of its HTTP interface, with credentials. */
  url: string
  database: string
}

const piece: Piece = {
  label: 'the ClickHouse engine (npm package chdb; npm ci brings it on Linux with glibc and on macOS)',
}

/**
 * A private one is the engine of the npm package `chdb` behind a door of ours that speaks ClickHouse's HTTP interface. It is
 * not ClickHouse's own server: no users, no native protocol, no page. In Docker it is the server itself.
 */
export const clickhouse: ServerKind<ClickHouseServer> = {
  name: 'clickhouse',
  label: 'ClickHouse',
  variable: 'CLICKHOUSE_URL',
  external: { address: (env) => hostOf(readAddress(env)), use: useExternal },
  docker: startInDocker,
  local: {
    async pieces() {
      const version = findEngine()
      return [{ piece, found: version && `the ClickHouse engine of the npm package chdb, ${version}` }]
    },
    start: startHere,
  },
  address: ({ url }) => hostOf(url),
  page: ({ url, origin }) => (origin === 'local' ? undefined : { url: `${new URL(url).origin}/play` }),
  env: ({ url, database }) => ({ CLICKHOUSE_URL: url, CLICKHOUSE_DATABASE: database }),
  /** A database. */
  async place(server, { part }) {
    if (server.origin === 'external') await dropAbandoned(server)
    const database = await createDatabase(server, part)
    let closing: Promise<void> | undefined
    const close = () => {
      closing ??= dropDatabase(server, database)
      return closing
    }
    return { ...server, database, close }
  },
}

async function startHere(ctx: ServerContext): Promise<ClickHouseServer> {
  const version = await requirePiece(piece, ctx, findEngine)
  const { ports, answer, control, close } = await startLocal(ctx, {
    name: 'clickhouse',
    label: 'ClickHouse',
    version: `engine (chdb ${version})`,
    ports: 1,
    async prepare({ folder, ports: [port] }) {
      const door = join(import.meta.dirname, 'door.ts')
      const env = { ...plainEnv(folder), PORT: String(port), DATA: join(folder, 'data') }
      const serves = () => readVersion(`http://127.0.0.1:${port}`)
      return { command: process.execPath, args: [door], env, serves }
    },
  })
  const url = `http://127.0.0.1:${ports[0]}`
  return { kind: 'clickhouse', url, database: 'default', version: answer, origin: 'local', control, close }
}

async function startInDocker(ctx: ServerContext): Promise<ClickHouseServer> {
  const urlAt = (host: string, port: number | undefined) => `http://lab:lab@${host}:${port}`
  const { host, ports, answer, control, close } = await startDocker(ctx, {
    label: 'ClickHouse',
    image: 'clickhouse/clickhouse-server:26.7',
    ports: [8123],
    environment: () => ({ CLICKHOUSE_USER: 'lab', CLICKHOUSE_PASSWORD: 'lab' }),
    serves: (at) => readVersion(urlAt(at.host, at.ports[0])),
  })
  const url = urlAt(host, ports[0])
  return { kind: 'clickhouse', url, database: 'default', version: answer, origin: 'docker', control, close }
}

function readAddress(env: NodeJS.ProcessEnv): string {
  return readUrl('CLICKHOUSE_URL', env, ['http:', 'https:']).href
}

async function useExternal({ env, progress, signal }: ServerContext): Promise<ClickHouseServer> {
  const url = readAddress(env)
  const version = await readVersion(url).catch((err: unknown) => {
    throw new Error(`ClickHouse at ${hostOf(url)} cannot be used: ${(err as Error).message}`, { cause: err })
  })
  signal?.throwIfAborted()
  progress(`ClickHouse ${version}: using ${hostOf(url)}`)
  const database = env.CLICKHOUSE_DATABASE ?? 'default'
  return { kind: 'clickhouse', url, database, version, origin: 'external', close: async () => {} }
}

const EXISTS = 82

/** Named after the part on a server of this run, where people look at it; on another, so that it can be told whose it is. */
async function createDatabase({ url, origin }: ClickHouseServer, part: string): Promise<string> {
  const base = origin === 'external' ? newRunName() : part.replaceAll('-', '_')
  for (let at = 1; ; at++) {
    const name = at === 1 ? base : `${base}_${at}`
    try {
      await query(url, `CREATE DATABASE \`${name}\` ENGINE = Atomic`)
      return name
    } catch (err) {
      if (!(err instanceof ClickHouseError) || err.code !== EXISTS) throw err
    }
  }
}

async function dropDatabase({ url, origin }: ClickHouseServer, name: string): Promise<void> {
  try {
    await query(url, `DROP DATABASE IF EXISTS \`${name}\` SYNC`)
  } catch (err) {
    // A server of this run takes its databases along when it goes; it may be gone already.
    if (origin === 'external') throw new Error(`database ${name} is still on ${hostOf(url)}`, { cause: err })
  }
}

async function dropAbandoned(server: ClickHouseServer): Promise<void> {
  const names = (await query(server.url, 'SELECT name FROM system.databases')).split('\n')
  for (const name of names) if (isAbandoned(name)) await dropDatabase(server, name)
}

async function readVersion(url: string): Promise<string> {
  return (await query(url, 'SELECT version()')).trim()
}

class ClickHouseError extends Error {
  override readonly name = 'ClickHouseError'
  readonly code: number

  constructor(message: string, code: number) {
    super(message)
    this.code = code
  }
}

const QUERY_MS = 20_000

/** One statement; answers lines of TSV. Bounded. */
async function query(url: string, sql: string): Promise<string> {
  const { origin, username, password } = new URL(url)
  const credentials = [username || 'default', password].map(decodeURIComponent).join(':')
  const response = await request(origin, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
    body: sql,
    signal: AbortSignal.timeout(QUERY_MS),
    reset: true, // no idle connection that would outlive the call
  })
  const text = await response.body.text()
  if (response.statusCode === 200) return text
  throw new ClickHouseError(text.slice(0, 500), Number(response.headers['x-clickhouse-exception-code']))
}

const hostOf = (url: string): string => new URL(url).host

/** The version of the engine, where npm brought the one for this machine. */
function findEngine(): string | undefined {
  const require = createRequire(import.meta.url)
  for (const libc of ['-gnu', '']) {
    try {
      const name = `@chdb/lib-${process.platform}-${process.arch}${libc}`
      return (require(`${name}/package.json`) as { version: string }).version
    } catch {
      // Not of this kind, or left out: it is optional.
    }
  }
  return undefined
}
