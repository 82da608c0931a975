import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { accepts } from '../../ports.ts'
import { startDocker } from '../docker.ts'
import type { Published } from '../docker-container.ts'
import { readUrl } from '../external.ts'
import { startLocal } from '../local.ts'
import { isExecutable, onPath, requirePiece } from '../pieces.ts'
import type { Piece, Server, ServerContext, ServerKind } from '../server.ts'
import { adaptConfig, type Config, type MosquittoOptions, readConfig, writeConfig } from './config.ts'

export interface MosquittoServer extends Server {
  kind: 'mosquitto'
  /** For services. */
  url: string
  /** For pages: WebSockets. Absent where an external broker names none. */
  wsUrl?: string
  /** The same broker on the same ports with nothing in it: no session, no retained message. Its clients are cut off. */
  renew?(): Promise<void>
}

const piece: Piece = {
  label: 'Mosquitto',
  packages: {
    debian: ['mosquitto'],
    fedora: 'mosquitto',
    brew: 'mosquitto',
    service: 'mosquitto',
  },
}

export const mosquitto: ServerKind<MosquittoServer, MosquittoOptions> = {
  name: 'mosquitto',
  label: 'Mosquitto',
  variable: 'MQTT_URL',
  external: {
    address(env) {
      const { url, wsUrl } = readMqttAddress(env)
      return [url, wsUrl].flatMap((one) => (one ? hostOf(one) : [])).join(', pages at ')
    },
    use: useExternal,
  },
  docker: startInDocker,
  local: {
    async pieces(env) {
      const found = await findMosquitto(env)
      return [{ piece, found: found && `Mosquitto ${found.version} (${found.command})` }]
    },
    start: startHere,
  },
  address: ({ url }) => hostOf(url),
  env: ({ url, wsUrl }) => ({ MQTT_URL: url, ...(wsUrl && { VITE_MQTT_URL: wsUrl }) }),
  /**
   * The topics have the names that clients know, and the protocol neither lists nor ends sessions: one part at a time has
   * the whole broker, renewed. An external one is taken as it is.
   */
  async place(server) {
    await server.renew?.()
    return { ...server, close: async () => {} }
  },
}

async function startHere(ctx: ServerContext, options: MosquittoOptions = {}): Promise<MosquittoServer> {
  const program = await requirePiece(piece, ctx, findMosquitto)
  const config = await readConfig(options)
  const { ports, control, renew, close } = await startLocal(ctx, {
    name: 'mosquitto',
    label: 'Mosquitto',
    version: program.version,
    what: 'a private broker',
    ports: config.listeners.length,
    async prepare(room) {
      const args = ['-c', await writeConfig(config, room, program.version)]
      return { command: program.command, args, serves: () => acceptsAll({ host: '127.0.0.1', ...room }) }
    },
  })
  const urls = urlsOf(config, { host: '127.0.0.1', ports }, options)
  return { kind: 'mosquitto', ...urls, version: program.version, origin: 'local', control, renew, close }
}

async function startInDocker(ctx: ServerContext, options: MosquittoOptions = {}): Promise<MosquittoServer> {
  const config = await readConfig(options)
  const target = (name: string) => `/mosquitto/config/${name}`
  const adapted = adaptConfig(config.text, {
    listener: ({ port }) => `listener ${port}`,
    folder: '/mosquitto/data/',
    file: (directive) => target(directive),
  })
  const server = await startDocker(ctx, {
    label: 'Mosquitto',
    image: 'eclipse-mosquitto:2',
    ports: config.listeners.map(({ port }) => port),
    files: [{ name: 'mosquitto.conf', content: adapted }, ...config.files].map(({ name, content }) => ({
      target: target(name),
      content,
    })),
    serves: acceptsAll,
  })
  const { control, renew, close } = server
  const urls = urlsOf(config, server, options)
  return { kind: 'mosquitto', ...urls, version: '2', origin: 'docker', control, renew, close }
}

async function acceptsAll({ host, ports }: Published): Promise<boolean> {
  const answers = await Promise.all(ports.map((port) => accepts(port, host)))
  return answers.every(Boolean)
}

function urlsOf({ listeners }: Config, { host, ports }: Published, { login }: MosquittoOptions) {
  const urlOf = (websockets: boolean) => {
    const at = listeners.findIndex((one) => one.websockets === websockets)
    const found = listeners[at]
    if (!found) return undefined
    const scheme = `${websockets ? 'ws' : 'mqtt'}${found.tls ? 's' : ''}`
    // Certificates are made out to names.
    const name = found.tls && host === '127.0.0.1' ? 'localhost' : host
    const url = new URL(`${scheme}://${name}:${ports[at]}${websockets ? '/mqtt' : ''}`)
    if (login) Object.assign(url, login)
    return url.href
  }
  const wsUrl = urlOf(true)
  return { url: urlOf(false)!, ...(wsUrl && { wsUrl }) }
}

/** What MQTT_URL and VITE_MQTT_URL say, without asking the broker. */
export function readMqttAddress(env: NodeJS.ProcessEnv): Pick<MosquittoServer, 'url' | 'wsUrl'> {
  const { href: url, protocol } = readUrl('MQTT_URL', env, ['mqtt:', 'mqtts:', 'ws:', 'wss:'])
  if (env.VITE_MQTT_URL) return { url, wsUrl: readUrl('VITE_MQTT_URL', env, ['ws:', 'wss:']).href }
  return { url, ...(protocol.startsWith('ws') && { wsUrl: url }) }
}

async function useExternal({ env, progress, signal }: ServerContext): Promise<MosquittoServer> {
  const urls = readMqttAddress(env)
  const version = await readVersion(urls.url).catch((err: unknown) => {
    throw new Error(`the MQTT broker at ${hostOf(urls.url)} cannot be used: ${(err as Error).message}`, {
      cause: err,
    })
  })
  signal?.throwIfAborted()
  progress(`Mosquitto ${version}: using ${hostOf(urls.url)}`)
  return { kind: 'mosquitto', ...urls, version, origin: 'external', close: async () => {} }
}

const CONNECT_MS = 5_000
const VERSION_MS = 1_000

/** Rejects when it cannot log in; 'unknown' where $SYS is not for us. */
async function readVersion(url: string): Promise<string> {
  const { connectAsync } = await import('mqtt') // takes a third of a second: only where it is used
  const client = await connectAsync(url, { connectTimeout: CONNECT_MS, reconnectPeriod: 0 }, false)
  try {
    const version = Promise.withResolvers<string>()
    setTimeout(version.resolve, VERSION_MS, 'unknown')
    client.on('error', () => version.resolve('unknown'))
    client.on('message', (_, payload) => version.resolve(String(payload).replace(/^mosquitto version /, '')))
    await client.subscribeAsync('$SYS/broker/version').catch(() => version.resolve('unknown'))
    return await version.promise
  } finally {
    await client.endAsync(true)
  }
}

const hostOf = (url: string): string => new URL(url).host

interface Program {
  command: string
  version: string
}

const USUAL = ['/usr/sbin/mosquitto', '/opt/homebrew/sbin/mosquitto', '/usr/local/sbin/mosquitto']

async function findMosquitto(env: NodeJS.ProcessEnv): Promise<Program | undefined> {
  const command = onPath('mosquitto', env) ?? USUAL.find(isExecutable)
  if (!command) return undefined
  // Its help is the only place that tells, and older ones end with 3 after it.
  const { stdout } = await promisify(execFile)(command, ['-h'], { timeout: 10_000 }).catch(
    (err: { stdout?: string }) => ({ stdout: err.stdout ?? '' }),
  )
  return { command, version: stdout.match(/mosquitto version (\S+)/)?.[1] ?? 'unknown' }
}
