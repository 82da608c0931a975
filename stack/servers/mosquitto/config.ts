import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Room } from '../local.ts'

export interface MosquittoOptions {
  /**
   * A mosquitto.conf, at least one listener of it plain MQTT. The listeners get free ports of the loopback interface and
   * the data goes to the run's folder; everything else holds as it is written. Anonymous, with both listeners, by default.
   */
  config?: string
  /** Files that the configuration names, by directive; those beside it by default. */
  files?: Partial<Record<FileDirective, string>>
  /** In place of its `password_file`: passwords by user. */
  users?: Record<string, string>
  /** Whom `url` and `wsUrl` log in as. */
  login?: { username: string; password: string }
}

type FileDirective = 'acl_file' | 'password_file' | 'cafile' | 'certfile' | 'keyfile'
const fileDirectives: string[] = ['acl_file', 'password_file', 'cafile', 'certfile', 'keyfile']

interface Listener {
  port: number
  websockets: boolean
  tls: boolean
}

export interface Config {
  text: string
  listeners: Listener[]
  /** What the configuration names, by directive. */
  files: { name: string; content: string }[]
}

const DEVELOPMENT = `set_tcp_nodelay true
max_queued_messages 100000
persistence true
autosave_interval 1
allow_anonymous true
sys_interval 1
log_dest stderr
listener 1883
listener 8083
protocol websockets
`

export async function readConfig({ config, files = {}, users }: MosquittoOptions): Promise<Config> {
  const text = config === undefined ? DEVELOPMENT : await readFile(config, 'utf8')
  const listeners = readListeners(text)
  // Before 2.1 a broker with WebSocket listeners alone ends at once.
  if (!listeners.some(({ websockets }) => !websockets)) {
    throw new Error(
      `${config ?? 'the configuration'} has no listener without websockets: Mosquitto needs one`,
    )
  }
  const contents = namedFiles(text).map(async ({ directive, path }) => {
    if (directive === 'password_file' && users) return { name: directive, content: passwordFile(users) }
    const beside = resolve(dirname(config ?? ''), basename(path))
    return { name: directive, content: await readFile(files[directive] ?? beside, 'utf8') }
  })
  return { text, listeners, files: await Promise.all(contents) }
}

export function readListeners(text: string): Listener[] {
  const listeners: Listener[] = []
  for (const { directive, value } of directivesOf(text)) {
    const last = listeners.at(-1)
    if (directive === 'listener') {
      listeners.push({ port: Number.parseInt(value, 10), websockets: false, tls: false })
    }
    if (directive === 'protocol' && value === 'websockets' && last) last.websockets = true
    if (directive === 'certfile' && last) last.tls = true
  }
  return listeners
}

interface Adaptation {
  listener: (listener: Listener, at: number) => string
  /** Where its data goes. */
  folder: string
  file: (directive: string) => string
}

/** The same configuration on other ports and with other paths. */
export function adaptConfig(text: string, { listener, folder, file }: Adaptation): string {
  const listeners = readListeners(text)
  const lines: string[] = []
  let at = 0
  for (const { directive, value } of directivesOf(text)) {
    if (directive === 'listener') lines.push(listener(listeners[at]!, at++))
    else if (fileDirectives.includes(directive)) lines.push(`${directive} ${file(directive)}`)
    else if (!['persistence_location', 'log_dest', 'user', 'pid_file'].includes(directive)) {
      lines.push(`${directive} ${value}`)
    }
  }
  return [`persistence_location ${folder}`, 'log_dest stderr', ...lines, ''].join('\n')
}

function directivesOf(text: string): { directive: string; value: string }[] {
  const lines = text.split('\n').map((line) => line.trim())
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [directive = '', ...value] = line.split(/\s+/)
      return { directive, value: value.join(' ') }
    })
}

function namedFiles(text: string): { directive: FileDirective; path: string }[] {
  const named = directivesOf(text).filter(({ directive }) => fileDirectives.includes(directive))
  const byDirective = new Map(named.map(({ directive, value }) => [directive as FileDirective, value]))
  return [...byDirective].map(([directive, path]) => ({ directive, path }))
}

/** Writes it and what it names for a broker that listens on the room's ports; answers where. */
export async function writeConfig(
  { text, files }: Config,
  { folder, ports }: Room,
  version: string,
): Promise<string> {
  const data = join(folder, 'data')
  await mkdir(data, { recursive: true })
  const path = (name: string) => join(folder, name)
  for (const { name, content } of files) await writeFile(path(name), content, { mode: 0o600 })
  const adapted = adaptConfig(text, {
    listener: ({ websockets }, at) =>
      `listener ${ports[at]} ${websockets ? loopbackFor(version) : '127.0.0.1'}`,
    folder: `${data}/`,
    file: path,
  })
  // Started by root it would otherwise become the user `mosquitto`, who may not enter the run's folder.
  const user = process.getuid?.() === 0 ? 'user root\n' : ''
  await writeFile(path('mosquitto.conf'), user + adapted)
  return path('mosquitto.conf')
}

/** Before 2.0.12 a WebSocket listener that is bound to an address listens on all; one bound to an interface does not. */
function loopbackFor(version: string): string {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  const isMended = major > 2 || (major === 2 && (minor > 0 || patch >= 12))
  return isMended ? '127.0.0.1' : 'lo'
}

/** As mosquitto_passwd writes it. */
function passwordFile(users: Record<string, string>): string {
  const iterations = 101
  const lines = Object.entries(users).map(([user, password]) => {
    const salt = randomBytes(12)
    const hash = pbkdf2Sync(password, salt, iterations, 64, 'sha512')
    return `${user}:$7$${iterations}$${salt.toString('base64')}$${hash.toString('base64')}`
  })
  return `${lines.join('\n')}\n`
}
