import { join } from 'node:path'
import { request } from 'undici'
import { accepts } from '../../ports.ts'
import { startDocker } from '../docker.ts'
import { readUrl } from '../external.ts'
import { plainEnv, startLocal } from '../local.ts'
import type { Server, ServerContext, ServerKind } from '../server.ts'

export interface MailServer extends Server {
  kind: 'mail'
  host: string
  port: number
  /** Empty where none is asked for. */
  username: string
  password: string
  /** TLS from the first byte. */
  secure: boolean
  /** Base URL of the page and of Mailpit's API (`/api/v1/messages`, `/message/<ID>`, `/search`). Absent where mails really leave. */
  apiUrl?: string
}

export interface MailOptions {
  /** Whom it lets send; everybody by default. */
  login?: { username: string; password: string }
}

/** A server that takes every mail and sends none. In Docker it is Mailpit; a private one has the part of its API that tests ask. */
export const mail: ServerKind<MailServer, MailOptions> = {
  name: 'mail',
  label: 'Mail catcher',
  variable: 'SMTP_URL',
  external: {
    address(env) {
      const { host, port } = readAddress(env)
      return `${host}:${port}`
    },
    use: useExternal,
  },
  docker: startInDocker,
  local: {
    pieces: async () => [{ piece: { label: 'a mail catcher' }, found: 'the npm package smtp-server' }],
    start: startHere,
  },
  address: ({ host, port }) => `${host}:${port}`,
  page: ({ apiUrl }) => (apiUrl === undefined ? undefined : { url: apiUrl }),
  env: ({ host, port, username, password, secure }) => {
    const login = [username, password].filter(Boolean).map(encodeURIComponent).join(':')
    return {
      SMTP_URL: `smtp${secure ? 's' : ''}://${login && `${login}@`}${host}:${port}`,
      SMTP_HOST: host,
      SMTP_PORT: String(port),
      SMTP_USERNAME: username,
      SMTP_PASSWORD: password,
    }
  },
  /** Nothing in it is one part's own: mails are told apart by their receivers, and others' mails stay. */
  place: async (server) => ({ ...server, close: async () => {} }),
}

const HOST = '127.0.0.1'

async function startHere(ctx: ServerContext, { login }: MailOptions = {}): Promise<MailServer> {
  const { ports, control, close } = await startLocal(ctx, {
    name: 'mail',
    label: 'Mail catcher',
    version: 'sink',
    ports: 2,
    async prepare({ folder, ports: [smtp, http] }) {
      const env = {
        ...plainEnv(folder),
        FOLDER: join(folder, 'mails'),
        SMTP_PORT: String(smtp),
        HTTP_PORT: String(http),
        ...(login && { USERNAME: login.username, PASSWORD: login.password }),
      }
      const args = [join(import.meta.dirname, 'sink.ts')]
      const apiUrl = `http://${HOST}:${http}`
      const serves = async () => (await accepts(smtp!)) && call({ apiUrl }, '/readyz')
      return { command: process.execPath, args, env, serves }
    },
  })
  const at = { host: HOST, port: ports[0]!, secure: false, apiUrl: `http://${HOST}:${ports[1]}` }
  return { kind: 'mail', ...at, ...loginOf(login), version: 'sink', origin: 'local', control, close }
}

async function startInDocker(ctx: ServerContext, { login }: MailOptions = {}): Promise<MailServer> {
  const access = login
    ? { MP_SMTP_AUTH: `${login.username}:${login.password}` }
    : { MP_SMTP_AUTH_ACCEPT_ANY: '1' }
  const { host, ports, answer, control, close } = await startDocker(ctx, {
    label: 'Mail catcher',
    image: 'axllent/mailpit:v1.27',
    ports: [1025, 8025],
    environment: () => ({ ...access, MP_SMTP_AUTH_ALLOW_INSECURE: '1', MP_DATABASE: '/data/mailpit.db' }),
    serves: async (at) => readVersion(`http://${at.host}:${at.ports[1]}`),
  })
  const at = { host, port: ports[0]!, secure: false, apiUrl: `http://${host}:${ports[1]}` }
  return { kind: 'mail', ...at, ...loginOf(login), version: answer, origin: 'docker', control, close }
}

const loginOf = (login: MailOptions['login']) => login ?? { username: '', password: '' }

/** What SMTP_URL says, and MAIL_API_URL where that is a catcher with Mailpit's API. */
export function readAddress(env: NodeJS.ProcessEnv) {
  const url = readUrl('SMTP_URL', env, ['smtp:', 'smtps:'])
  const secure = url.protocol === 'smtps:'
  const apiUrl =
    env.MAIL_API_URL && readUrl('MAIL_API_URL', env, ['http:', 'https:']).href.replace(/\/+$/, '')
  return {
    host: url.hostname,
    port: Number(url.port || (secure ? 465 : 587)),
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    secure,
    ...(apiUrl && { apiUrl }),
  }
}

async function useExternal({ env, progress, signal }: ServerContext): Promise<MailServer> {
  const address = readAddress(env)
  const { host, port } = address
  if (!(await accepts(port, host))) throw new Error(`the mail server at ${host}:${port} does not answer`)
  signal?.throwIfAborted()
  progress(`Mail: using ${host}:${port}`)
  return { kind: 'mail', ...address, version: 'unknown', origin: 'external', close: async () => {} }
}

async function readVersion(apiUrl: string): Promise<string> {
  return (JSON.parse(await call({ apiUrl }, '/api/v1/info')) as { Version: string }).Version
}

async function call({ apiUrl }: Pick<MailServer, 'apiUrl'>, path: string): Promise<string> {
  const response = await request(`${apiUrl}${path}`, { reset: true, signal: AbortSignal.timeout(5_000) })
  const text = await response.body.text()
  if (response.statusCode !== 200) throw new Error(`GET ${path} answered ${response.statusCode} ${text}`)
  return text
}
