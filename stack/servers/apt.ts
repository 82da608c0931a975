import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { logTail } from '../log-tail.ts'
import type { Packages, ServerContext } from './server.ts'

const POLICY = '/usr/sbin/policy-rc.d'
const POLICY_SIGN = '# written by the messaging lab'

/** apt allows one at a time; several servers may ask for packages at once. */
let queue: Promise<unknown> = Promise.resolve()
let listsAreFresh = false

/**
 * Installs the first of the packages that this system offers, after saying so. Root only.
 * Debian's packages start a server for the whole system; that is held back. An abort lets dpkg finish.
 */
export function aptInstall(packages: Packages, ctx: ServerContext): Promise<void> {
  const turn = queue.then(() => install(packages, ctx))
  queue = turn.catch(() => {}) // a failure belongs to its caller, not to the next in the queue
  return turn
}

async function install({ debian, service }: Packages, ctx: ServerContext): Promise<void> {
  const logFile = join(await ctx.run.sub('logs'), 'apt.log')
  if (!listsAreFresh) {
    ctx.progress(`${debian[0]} is missing: updating the package lists to install it`)
    await apt(['update'], logFile, ctx)
    listsAreFresh = true
  }
  const name = await firstOffered(debian, logFile, ctx)
  ctx.progress(`installing ${name} with apt-get, as root (output: ${logFile})`)
  mkdirSync('/usr/share/man/man1', { recursive: true }) // slim images lack it, and the Java package then fails
  const release = service ? holdBack(service) : () => {}
  try {
    await apt(['install', '-y', '--no-install-recommends', name], logFile, ctx)
  } finally {
    release()
  }
  ctx.progress(`installed ${name}${service ? '; its system service was not started' : ''}`)
}

async function firstOffered(candidates: string[], logFile: string, { env }: ServerContext): Promise<string> {
  for (const name of candidates) {
    const shown = await run('apt-cache', ['show', '--no-all-versions', name], '/dev/null', { env })
    if (shown === 0) return name
  }
  throw new Error(
    `apt-get offers none of ${candidates.join(', ')}. The end of ${logFile}:\n${logTail(logFile)}`,
  )
}

async function apt(args: string[], logFile: string, { env, signal }: ServerContext): Promise<void> {
  signal?.throwIfAborted()
  // Another apt may hold the lock, e.g. unattended upgrades on a fresh machine.
  const code = await run('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], logFile, {
    env,
    ...(signal && { signal }),
  })
  signal?.throwIfAborted()
  if (code !== 0) {
    throw new Error(`apt-get ${args.join(' ')} failed. The end of ${logFile}:\n${logTail(logFile)}`)
  }
}

/** Runs a program outside the run's bookkeeping: a sweep must never SIGKILL dpkg in the middle of its work. */
async function run(
  command: string,
  args: string[],
  logFile: string,
  { env, signal }: Pick<ServerContext, 'env' | 'signal'>,
): Promise<number | null> {
  const log = openSync(logFile, 'a')
  const child = spawn(command, args, {
    stdio: ['ignore', log, log],
    env: { ...env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    detached: true,
  })
  closeSync(log)
  // apt-get ends at once while it downloads, and after dpkg when that has begun.
  const interrupt = () => void child.kill('SIGINT')
  signal?.addEventListener('abort', interrupt)
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    return code
  } finally {
    signal?.removeEventListener('abort', interrupt)
  }
}

/** Debian asks `policy-rc.d` before a package may start its service. An existing policy is left as it is. */
function holdBack(service: string): () => void {
  if (existsSync(POLICY)) return () => {}
  writeFileSync(POLICY, policyAgainst(service, process.pid), { mode: 0o755 })
  return () => {
    if (readFileSync(POLICY, 'utf8').includes(POLICY_SIGN)) rmSync(POLICY)
  }
}

/** Denies one service, and only while the process lives: a copy left by a killed runner is without effect. */
export function policyAgainst(service: string, pid: number): string {
  const script = [
    '#!/bin/sh',
    POLICY_SIGN,
    `if [ "$1" = ${service} ] && kill -0 ${pid} 2>/dev/null; then exit 101; fi`,
    'exit 0',
  ]
  return `${script.join('\n')}\n`
}
