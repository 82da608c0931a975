import { randomBytes } from 'node:crypto'
import type { Client } from 'pg'

const CONNECT_MS = 5_000
const QUERY_MS = 20_000

/** Runs `work` with a connection, which it ends, also on failure. Each call is bounded. */
export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const { default: pg } = await import('pg') // only where it is used
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
  })
  client.on('error', () => {
    // The call that waits fails too.
  })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

export async function readVersion(url: string): Promise<string> {
  const { rows } = await withClient(url, (client) => client.query<{ version: string }>('select version()'))
  const version = rows[0]?.version ?? 'unknown'
  return version.match(/^PostgreSQL (\S+)/)?.[1] ?? version.match(/^CockroachDB.*?v[\d.]+/)?.[0] ?? version
}

export function urlOf(
  host: string,
  user: string,
  password: string,
  database: string,
  search = '?sslmode=disable',
) {
  const login = [user, password].filter(Boolean).map(encodeURIComponent).join(':')
  return `postgresql://${login}@${host}/${encodeURIComponent(database)}${search}`
}

export function hostOf(url: string): string {
  return new URL(url).host
}

export const newPassword = (): string => randomBytes(16).toString('hex')
