import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openRunDir, type RunDir } from '@lab/stack/run-dir.ts'
import { type AnyServer, kindOf, type ServerName, startServer } from '@lab/stack/servers/index.ts'
import type { TestProject } from 'vitest/node'
import { LANES } from './lanes.ts'
import './provided.ts'

/** The topics of part C have fixed names, so two files side by side need two. Of the others a part gets a place of its own. */
const ONE_PER_LANE: readonly ServerName[] = ['kafka']

/**
 * What the tests of one run share: a run directory for each lane, and servers. A server starts when the first test file
 * asks for it (`GET /<server>/<lane>`), so a run of one file starts what that file needs. Vitest answers Ctrl-C by ending
 * the process at once; the run directories then take every process of the run along, those of the test workers included.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const progress = (text: string) => void process.stderr.write(`${text}\n`)
  const lanes: RunDir[] = []
  for (let lane = 0; lane < LANES; lane++) lanes.push(await openRunDir({ env: process.env, progress }))
  const servers = openServers(lanes, progress)
  project.vitest.onCancel(servers.interrupt)

  const desk = createServer(async ({ url = '' }, response) => {
    const [, name, lane] = url.split('/')
    try {
      const { control: _, ...data } = await servers.get(name as ServerName, Number(lane))
      response.end(JSON.stringify(data))
    } catch (err) {
      response.writeHead(503).end((err as Error).message)
    }
  })
  desk.listen(0, '127.0.0.1')
  await once(desk, 'listening')

  const runs = lanes.map(({ id, path }) => ({ id, path }))
  project.provide('runs', runs)
  project.provide('serversAt', `http://127.0.0.1:${(desk.address() as AddressInfo).port}`)
  return async () => {
    desk.close()
    await servers.close()
    for (const run of lanes) await run.close()
  }
}

/** Each is started at most once; who asks again for one that could not start hears the same reason. */
function openServers(lanes: RunDir[], progress: (text: string) => void) {
  const interrupted = new AbortController()
  const started = new Map<string, Promise<AnyServer>>()
  const start = async (name: ServerName, run: RunDir): Promise<AnyServer> => {
    const found = await startServer(name, { run, env: process.env, progress, signal: interrupted.signal })
    // On one that is not of this run the tests get a place of their own, which goes with them.
    return found.origin === 'external' ? kindOf(found).place(found, { part: 'tests' }) : found
  }
  return {
    get(name: ServerName, lane: number): Promise<AnyServer> {
      const at = ONE_PER_LANE.includes(name) ? lane : 0
      const key = `${name} ${at}`
      const server = started.get(key) ?? start(name, lanes[at]!)
      started.set(key, server)
      return server
    },
    interrupt: () => interrupted.abort(),
    async close() {
      interrupted.abort() // nobody waits any more for one that is still starting
      const close = async (starting: Promise<AnyServer>) => (await starting.catch(() => undefined))?.close()
      await Promise.all([...started.values()].map(close))
    },
  }
}
