import type { Client } from 'pg'
import { isAbandoned, newRunName } from '../../run-names.ts'
import type { PlaceOptions, Server } from '../server.ts'
import { hostOf, newPassword, urlOf, withClient } from './client.ts'

export interface PostgresServer extends Server {
  kind: 'postgres'
  /** With the credentials of one who may create databases and roles; in a place, of the part's own role. */
  url: string
  /** In a place: one database and role for each service that was named, by the service. */
  services?: Record<string, string>
}

/** A database and a role of the part's own, and of each of its services: none may enter another's. */
export async function place(
  server: PostgresServer,
  { part, services = [] }: PlaceOptions,
): Promise<PostgresServer> {
  const made: string[] = []
  const admin = { server, isCockroach: server.version.includes('CockroachDB') }
  const create = async (client: Client, wanted: string) => {
    const { name, url } = await createDatabase(client, admin, wanted)
    made.push(name)
    return url
  }
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= dropAll(admin, made)
    return closing
  }
  try {
    return await withClient(server.url, async (client) => {
      if (server.origin === 'external') await dropAbandoned(client, admin)
      const url = await create(client, part)
      const urls: Record<string, string> = {}
      for (const service of services) urls[service] = await create(client, service)
      return { ...server, url, services: urls, close }
    })
  } catch (err) {
    await close()
    throw new Error(`no empty database on ${hostOf(server.url)}: ${(err as Error).message}`, { cause: err })
  }
}

interface Admin {
  server: PostgresServer
  isCockroach: boolean
}

/** The role exists, or comes into being at this moment. */
const TAKEN = ['42710', '23505']

/** Named as wanted on a server of this run, where people look at it; on another, so that it can be told whose it is. */
async function createDatabase(
  client: Client,
  { server, isCockroach }: Admin,
  wanted: string,
): Promise<{ name: string; url: string }> {
  const { host, password: ownPassword } = new URL(server.url)
  // An insecure CockroachDB knows no passwords.
  const password = isCockroach && ownPassword === '' ? '' : newPassword()
  const base = server.origin === 'external' ? newRunName() : wanted.replaceAll('-', '_')
  for (let at = 1; ; at++) {
    const name = at === 1 ? base : `${base}_${at}`
    try {
      await client.query(`create role "${name}" with login${password && ` password '${password}'`}`)
    } catch (err) {
      if (TAKEN.includes((err as { code?: string }).code ?? '')) continue
      throw err
    }
    await client.query(`create database "${name}" owner "${name}" template template0`)
    await client.query(`comment on database "${name}" is '${wanted.replaceAll("'", '')}'`)
    await client.query(`revoke connect on database "${name}" from public`)
    return { name, url: urlOf(host, name, password, name, new URL(server.url).search) }
  }
}

async function dropAll(admin: Admin, names: string[]): Promise<void> {
  try {
    await withClient(admin.server.url, async (client) => {
      for (const name of names) await drop(client, admin, name)
    })
  } catch (err) {
    // A server of this run takes its databases along when it goes; it may be gone already.
    if (admin.server.origin === 'external') {
      throw new Error(`databases are still on ${hostOf(admin.server.url)}: ${names.join(', ')}`, {
        cause: err,
      })
    }
  }
}

async function drop(client: Client, { isCockroach }: Admin, name: string): Promise<void> {
  await client.query(`drop database if exists "${name}" ${isCockroach ? 'cascade' : 'with (force)'}`)
  await client.query(`drop role if exists "${name}"`)
}

async function dropAbandoned(client: Client, admin: Admin): Promise<void> {
  const { rows } = await client.query<{ datname: string }>('select datname from pg_database')
  for (const { datname } of rows) if (isAbandoned(datname)) await drop(client, admin, datname)
}
