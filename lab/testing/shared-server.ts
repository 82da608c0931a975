import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import type { ServerName, Servers } from '@lab/stack/servers/index.ts'
import { inject } from 'vitest'
import { laneOfWorker } from './lanes.ts'
import './provided.ts'

/**
 * All that the project needs, before its first test is collected: no test and no hook waits for a server to start, or to be
 * downloaded.
 */
const servers = new Map(
  await Promise.all(inject('needs').map(async (name) => [name, await ask(name)] as const)),
)

/** A server of the test run, seen from a test: it is the run's to close, and nobody's to kill. */
export function sharedServer<Name extends ServerName>(name: Name): Servers[Name] {
  const server = servers.get(name)
  if (!server) throw new Error(`the project of this test does not need ${name}: see vitest.workspace.ts`)
  return { ...server, close: async () => {} } as Servers[Name]
}

async function ask(name: ServerName): Promise<object> {
  const answered = Promise.withResolvers<import('node:http').IncomingMessage>()
  get(`${inject('serversAt')}/${name}/${laneOfWorker()}`, answered.resolve).once('error', answered.reject)
  const response = await answered.promise
  const answer = await text(response)
  if (response.statusCode !== 200) throw new Error(answer)
  return JSON.parse(answer)
}
