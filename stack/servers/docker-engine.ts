import { existsSync, readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { userHome, userId } from '../user.ts'

/** Every container of the lab carries this label; its value is the run's id. */
export const RUN_LABEL = 'messaging-lab.run'

const PROBE_MS = 800
const CALL_MS = 20_000

export interface Answer {
  status: number
  body: string
}

/** Where an engine would listen, in the order in which testcontainers looks for it. */
function engineAddress(env: NodeJS.ProcessEnv): string | undefined {
  if (env.DOCKER_HOST) return env.DOCKER_HOST
  const home = userHome() ?? '/'
  const sockets = [
    '/var/run/docker.sock',
    ...(env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, 'docker.sock')] : []),
    join(home, '.docker/run/docker.sock'),
    join(home, '.docker/desktop/docker.sock'),
    `/run/user/${userId()}/docker.sock`,
  ]
  const socket = sockets.find((path) => existsSync(path))
  return socket && `unix://${socket}`
}

/** True when a Docker engine answers within a second. */
export async function engineAnswers(env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    return (await callEngine('GET', '/_ping', { env, timeoutMs: PROBE_MS })).status === 200
  } catch {
    return false // no socket, nobody behind it, no permission: no engine for us
  }
}

/** How the names of a run's Compose projects begin. Compose puts the name on all that it makes. */
export const projectPrefix = (runId: string): string => `lab-${runId.toLowerCase()}-`

const PROJECT_LABEL = 'com.docker.compose.project'

/**
 * Removes by force the containers of a run, and the volumes and networks of its Compose projects. Answers how many containers
 * they were; undefined when no engine answers, so that a later sweep tries again.
 */
export async function removeContainersOf(runId: string, env: NodeJS.ProcessEnv): Promise<number | undefined> {
  if (!(await engineAnswers(env))) return undefined
  const filters = encodeURIComponent(JSON.stringify({ label: [`${RUN_LABEL}=${runId}`] }))
  const listed = await callEngine('GET', `/containers/json?all=1&filters=${filters}`, { env })
  const containers = JSON.parse(listed.body) as { Id: string }[]
  for (const { Id } of containers) await removeContainer(Id, env)
  await removeProjectsOf(runId, env)
  return containers.length
}

interface Made {
  Name: string
  Labels: Record<string, string> | null
}

async function removeProjectsOf(runId: string, env: NodeJS.ProcessEnv): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ label: [PROJECT_LABEL] }))
  const list = async (what: string) =>
    JSON.parse((await callEngine('GET', `/${what}?filters=${filters}`, { env })).body)
  const ofRun = ({ Labels }: Made) => Labels?.[PROJECT_LABEL]?.startsWith(projectPrefix(runId))
  const { Volumes } = (await list('volumes')) as { Volumes: Made[] | null }
  for (const { Name } of (Volumes ?? []).filter(ofRun))
    await remove(`/volumes/${Name}`, `volume ${Name}`, env)
  const networks = (await list('networks')) as Made[]
  for (const { Name } of networks.filter(ofRun)) await remove(`/networks/${Name}`, `network ${Name}`, env)
}

/** Ends and removes a container and its anonymous volumes; one that is gone already is fine. */
export async function removeContainer(id: string, env: NodeJS.ProcessEnv): Promise<void> {
  await remove(`/containers/${id}?force=1&v=1`, `container ${id.slice(0, 12)}`, env)
}

async function remove(path: string, what: string, env: NodeJS.ProcessEnv): Promise<void> {
  const answer = await callEngine('DELETE', path, { env })
  // 409: another removal of the same thing is under way.
  if (answer.status >= 400 && answer.status !== 404 && answer.status !== 409)
    throw new Error(`the Docker engine refused to remove ${what}: ${answer.body.trim()}`)
}

/** One request to the engine's HTTP API; rejects when it does not answer in time. */
export async function callEngine(
  method: string,
  path: string,
  { env, timeoutMs = CALL_MS, body }: { env: NodeJS.ProcessEnv; timeoutMs?: number; body?: object },
): Promise<Answer> {
  const address = engineAddress(env)
  if (!address) throw new Error('no Docker engine: DOCKER_HOST is not set and there is no docker.sock')
  const { secure, ...target } = connection(address, env)
  const signal = AbortSignal.timeout(timeoutMs)
  const headers = body ? { 'content-type': 'application/json' } : {}
  const options = { ...target, method, path, headers, agent: false as const, signal }
  const response = Promise.withResolvers<import('node:http').IncomingMessage>()
  const call = secure ? httpsRequest(options) : httpRequest(options)
  call
    .once('response', response.resolve)
    .once('error', response.reject)
    .end(body && JSON.stringify(body))
  const message = await response.promise
  return { status: message.statusCode ?? 0, body: await text(message) }
}

function connection(address: string, env: NodeJS.ProcessEnv) {
  if (address.startsWith('unix://')) return { socketPath: address.slice('unix://'.length), secure: false }
  const { hostname, port, protocol } = new URL(address)
  const secure = protocol === 'https:' || (env.DOCKER_TLS_VERIFY ?? '') !== ''
  const certs = env.DOCKER_CERT_PATH ?? join(userHome() ?? '/', '.docker')
  const read = (name: string) => readFileSync(join(certs, name))
  const tls = secure ? { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') } : {}
  return { host: hostname, port: Number(port || (secure ? 2376 : 2375)), secure, ...tls }
}
