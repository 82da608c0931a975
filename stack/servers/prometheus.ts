import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { request } from 'undici'
import { startDocker } from './docker.ts'
import { readUrl } from './external.ts'
import { startLocal } from './local.ts'
import { onPath, requirePiece } from './pieces.ts'
import type { Piece, Server, ServerContext, ServerKind } from './server.ts'

export interface PrometheusServer extends Server {
  kind: 'prometheus'
  /** Of its page and API. */
  url: string
}

export interface PrometheusOptions {
  /** The text of a prometheus.yml, whatever it names by absolute paths. By default it scrapes nothing. */
  config?: string
}

const piece: Piece = {
  label: 'Prometheus',
  packages: {
    debian: ['prometheus'],
    fedora: 'golang-github-prometheus',
    brew: 'prometheus',
    service: 'prometheus',
  },
}

export const prometheus: ServerKind<PrometheusServer, PrometheusOptions> = {
  name: 'prometheus',
  label: 'Prometheus',
  variable: 'PROMETHEUS_URL',
  external: { address: (env) => readAddress(env), use: useExternal },
  docker: startInDocker,
  local: {
    async pieces(env) {
      const found = await findPrometheus(env)
      return [{ piece, found: found && `Prometheus ${found.version} (${found.command})` }]
    },
    start: startHere,
  },
  address: ({ url }) => new URL(url).host,
  page: ({ url }) => ({ url }),
  env: ({ url }) => ({ PROMETHEUS_URL: url }),
  /** It holds what it scraped, which is nobody's in particular. */
  place: async (server) => ({ ...server, close: async () => {} }),
}

const NOTHING = 'scrape_configs: []\n'

async function startHere(
  ctx: ServerContext,
  { config = NOTHING }: PrometheusOptions = {},
): Promise<PrometheusServer> {
  const program = await requirePiece(piece, ctx, findPrometheus)
  const { ports, control, close } = await startLocal(ctx, {
    name: 'prometheus',
    label: 'Prometheus',
    version: program.version,
    ports: 1,
    async prepare({ folder, ports: [port] }) {
      const file = join(folder, 'prometheus.yml')
      await writeFile(file, config)
      const args = [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=warn',
      ]
      return { command: program.command, args, serves: () => isReady(`http://127.0.0.1:${port}`) }
    },
  })
  const url = `http://127.0.0.1:${ports[0]}`
  return { kind: 'prometheus', url, version: program.version, origin: 'local', control, close }
}

/**
 * A container has a loopback address of its own: what it scrapes there it looks for on the host. On Linux it finds only what
 * listens on more than the loopback address, which services of a run do not: scrape those with a private one.
 */
async function startInDocker(
  ctx: ServerContext,
  { config = NOTHING }: PrometheusOptions = {},
): Promise<PrometheusServer> {
  const content = config.replaceAll(/\b(?:127\.0\.0\.1|localhost)(?=:\d)/g, 'host.docker.internal')
  const { host, ports, answer, control, close } = await startDocker(ctx, {
    label: 'Prometheus',
    image: 'prom/prometheus:v3.5.0',
    ports: [9090],
    files: [{ target: '/etc/prometheus/prometheus.yml', content }],
    serves: async (at) => {
      const url = `http://${at.host}:${at.ports[0]}`
      return (await isReady(url)) && readVersion(url)
    },
  })
  const url = `http://${host}:${ports[0]}`
  return { kind: 'prometheus', url, version: answer, origin: 'docker', control, close }
}

function readAddress(env: NodeJS.ProcessEnv): string {
  return readUrl('PROMETHEUS_URL', env, ['http:', 'https:']).href.replace(/\/+$/, '')
}

async function useExternal({ env, progress, signal }: ServerContext): Promise<PrometheusServer> {
  const url = readAddress(env)
  const version = await readVersion(url).catch((err: unknown) => {
    throw new Error(`Prometheus at ${url} cannot be used: ${(err as Error).message}`, { cause: err })
  })
  signal?.throwIfAborted()
  progress(`Prometheus ${version}: using ${url}`)
  return { kind: 'prometheus', url, version, origin: 'external', close: async () => {} }
}

async function isReady(url: string): Promise<boolean> {
  return (await get(`${url}/-/ready`)).status === 200
}

async function readVersion(url: string): Promise<string> {
  const { status, text } = await get(`${url}/api/v1/status/buildinfo`)
  if (status !== 200) throw new Error(`it answers ${status}`)
  return plain((JSON.parse(text) as { data: { version: string } }).data.version)
}

/** Debian adds what it changed. */
const plain = (version: string): string => version.replace(/\+.*/, '')

async function get(url: string): Promise<{ status: number; text: string }> {
  const response = await request(url, { reset: true, signal: AbortSignal.timeout(5_000) })
  return { status: response.statusCode, text: await response.body.text() }
}

async function findPrometheus(
  env: NodeJS.ProcessEnv,
): Promise<{ command: string; version: string } | undefined> {
  const command = onPath('prometheus', env)
  if (!command) return undefined
  // Older ones tell it on stderr.
  const { stdout, stderr } = await promisify(execFile)(command, ['--version'], { timeout: 10_000 })
  return { command, version: plain((stdout + stderr).match(/version (\d[^,\s]*)/)?.[1] ?? 'unknown') }
}
