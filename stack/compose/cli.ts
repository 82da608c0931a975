import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { callEngine, engineAnswers } from '../servers/docker-engine.ts'

export class ComposeError extends Error {
  override readonly name = 'ComposeError'
}

export interface ComposeOptions {
  /** Name of the project; containers, networks and volumes carry it. */
  project: string
  /** Compose files; relative paths in them start from the folder of the first. */
  files: string[]
  env: Record<string, string | undefined>
  signal?: AbortSignal | undefined
}

export interface ContainerState {
  Running: boolean
  ExitCode: number
  OOMKilled: boolean
  /** Absent where the compose file has no health check for it. */
  Health?: { Status: string }
}

export interface Compose {
  /** Runs one subcommand and answers its stdout; rejects with a `ComposeError` of one line when it fails. */
  run: (args: string[], options?: { signal?: AbortSignal | undefined; timeoutMs?: number }) => Promise<string>
  /** How a service's container is, as the engine tells it; undefined when it was never created. */
  state: (service: string) => Promise<ContainerState | undefined>
}

const COMMANDS = [['docker', 'compose'], ['docker-compose']] as const

const TIMEOUT_MS = 600_000

/** Instead of the run's signal, for what has to happen most of all when that is aborted. */
export const NEVER = new AbortController().signal

/** Finds Docker Compose, today's plug-in or the older command, and an engine that answers. One clear line when not. */
export async function findCompose(env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  if (!(await engineAnswers(env))) {
    throw new ComposeError(
      'no Docker engine answers: start Docker, or leave --against compose out to run without it',
    )
  }
  for (const command of COMMANDS) {
    if (
      await execute([...command, 'version'], { env, timeoutMs: 10_000 }).then(
        () => true,
        () => false,
      )
    )
      return command
  }
  throw new ComposeError("neither 'docker compose' nor 'docker-compose' is installed")
}

export async function openCompose({ project, files, env, signal }: ComposeOptions): Promise<Compose> {
  const command = [
    ...(await findCompose(env)),
    '--project-name',
    project,
    ...files.flatMap((file) => ['-f', file]),
  ]
  const run: Compose['run'] = (args, { signal: own = signal, timeoutMs = TIMEOUT_MS } = {}) =>
    execute([...command, ...args], { env, timeoutMs, signal: own })
  return {
    run,
    state: async (service) => {
      const id = (await run(['ps', '-a', '-q', service])).trim()
      if (id === '') return undefined
      const { body } = await callEngine('GET', `/containers/${id}/json`, { env })
      return (JSON.parse(body) as { State: ContainerState }).State
    },
  }
}

interface ExecuteOptions {
  env: Record<string, string | undefined>
  timeoutMs: number
  signal?: AbortSignal | undefined
}

async function execute(
  [command = '', ...args]: string[],
  { env, timeoutMs, signal }: ExecuteOptions,
): Promise<string> {
  const child = spawn(command, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own: Ctrl-C reaches the runner, which then takes the containers down itself.
    detached: true,
    signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]),
    killSignal: 'SIGTERM',
  })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  if (code === 0) return stdout
  throw new ComposeError(explain(args, `${stdout}\n${stderr}`))
}

const CAUSES: [pattern: RegExp, say: (match: RegExpExecArray) => string][] = [
  [
    /(?:Bind for |listen tcp4? )([\d.]+:\d+)[^\n]*(?:already allocated|already in use)/,
    ([, address]) => `${address} is in use: stop what uses it, or choose another port in the environment`,
  ],
  [/no space left on device/i, () => 'the disk of the Docker engine is full'],
  [/permission denied[^\n]*docker\.sock/i, () => 'no permission to use the Docker engine'],
  [
    /unsupported Compose file version|Unsupported config option[^\n]*/i,
    ([line]) => `Docker Compose is too old: ${line}`,
  ],
]

/** One line a person can act on; otherwise the last line Compose said. */
export function explain(args: string[], output: string): string {
  for (const [pattern, say] of CAUSES) {
    const match = pattern.exec(output)
    if (match) return say(match)
  }
  const subcommand =
    args.find((arg) => /^(up|down|build|start|stop|kill|ps|logs|pause|unpause|version)$/.test(arg)) ??
    'compose'
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  return `docker compose ${subcommand} failed: ${lines.at(-1)?.trim() ?? 'it said nothing'}`
}
