import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { startChild } from '../../child.ts'
import { userHome } from '../../user.ts'
import { isWritable } from '../../writable.ts'
import type { ServerContext } from '../server.ts'
import { type Java, javaVariablesIn, withoutJavaOptions } from './java.ts'
import { followDownload, mavenComplaints } from './maven-progress.ts'

const DOWNLOAD_MS = 15 * 60_000

export interface Download {
  maven: string
  java: Java
  /** The project, with what it depends on. */
  pom: string
  /** What is being downloaded, for the progress lines. */
  what: string
}

/**
 * Downloads what a pom depends on into `<run>/maven/jars`; answers that folder.
 *
 * Maven's settings, its repository and a proxy are the user's own, so it runs in the user's environment. When that fails
 * it runs once more without the variables and start files by which options reach it unasked.
 */
export async function downloadJars(ctx: ServerContext, download: Download): Promise<string> {
  const { run, env, progress } = ctx
  // Of the run: the paths are plain whatever the cache's is, and no `.mvn` above belongs to anyone else.
  const folder = await run.sub('maven')
  mkdirSync(join(folder, '.mvn'), { recursive: true })
  const pom = join(folder, 'pom.xml')
  copyFileSync(download.pom, pom)
  const target = join(folder, 'jars')
  const options = { pom, folder, target, env: { ...env, JAVA_HOME: download.java.home } }
  const first = await attempt(ctx, download, { ...options, name: 'maven' })
  if (first === undefined) return target

  const unasked = readUnasked(env)
  if (unasked.length > 0) {
    rmSync(target, { recursive: true, force: true })
    progress(`Maven failed; once more without ${unasked.join(', ')}`)
    const clean = { ...withoutMavenOptions(options.env), MAVEN_SKIP_RC: '1' }
    if ((await attempt(ctx, download, { ...options, env: clean, name: 'maven-again' })) === undefined)
      return target
  }
  const read = [...unasked, ...settingsOf(userHome())]
  const took = read.length === 0 ? '' : `\nIt was told by ${read.join(', ')}.`
  throw new Error(`Maven could not download ${download.what}${first}${took}`)
}

interface Attempt {
  name: string
  pom: string
  folder: string
  target: string
  env: NodeJS.ProcessEnv
}

/** Undefined when the jars are there, else what Maven said. */
async function attempt(
  { run, progress, signal }: ServerContext,
  { maven, what }: Download,
  { name, pom, folder, target, env }: Attempt,
): Promise<string | undefined> {
  const logFile = join(await run.sub('logs'), `${name}.log`)
  const args = [
    '-B',
    '-f',
    pom,
    ...homeOptions(folder),
    'dependency:copy-dependencies',
    `-DoutputDirectory=${target}`,
  ]
  const child = await startChild({ run, name, command: maven, args, env, logFile, cwd: folder })
  const stop = () => void child.kill()
  const limit = setTimeout(stop, DOWNLOAD_MS)
  signal?.addEventListener('abort', stop)
  const unfollow = followDownload(logFile, (text) => progress(`${what}: ${text}`))
  try {
    const { code } = await child.exited
    signal?.throwIfAborted()
    // Other options may have given it other work, which it did.
    if (code === 0 && existsSync(target) && readdirSync(target).length > 0) return undefined
    return ` (all it said: ${logFile})\n${mavenComplaints(logFile)}`
  } finally {
    unfollow()
    clearTimeout(limit)
    signal?.removeEventListener('abort', stop)
  }
}

/**
 * Where the home cannot take Maven's repository, the run does; so too for a user that the user list does not know, whose
 * home is unknown to Java. The settings in the home hold all the same.
 */
function homeOptions(folder: string): string[] {
  const home = userHome()
  const settings = home && join(home, '.m2/settings.xml')
  if (home !== undefined && isKnownUser() && isWritable(join(home, '.m2/repository'))) return []
  const repository = `-Dmaven.repo.local=${join(folder, 'repository')}`
  return settings !== undefined && existsSync(settings) ? ['-s', settings, repository] : [repository]
}

function isKnownUser(): boolean {
  try {
    return userInfo().username !== ''
  } catch {
    return false
  }
}

const readsUnasked = (name: string) => /^(MAVEN_|M2(_|$))/.test(name)

function withoutMavenOptions(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const entries = Object.entries(withoutJavaOptions(env))
  return Object.fromEntries(entries.filter(([name]) => !readsUnasked(name)))
}

function readUnasked(env: NodeJS.ProcessEnv): string[] {
  const home = userHome()
  const files = ['/etc/mavenrc', '/usr/local/etc/mavenrc', ...(home ? [join(home, '.mavenrc')] : [])]
  const variables = Object.keys(env).filter((name) => readsUnasked(name) && env[name])
  return [...javaVariablesIn(env), ...variables, ...files.filter((file) => existsSync(file))]
}

const settingsOf = (home: string | undefined): string[] =>
  home === undefined ? [] : [join(home, '.m2/settings.xml')].filter((file) => existsSync(file))
