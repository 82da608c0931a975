import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { within } from '@lab/kit/wait.ts'
import { startChild } from './child.ts'
import { kafkaJars } from './servers/kafka/jars.ts'
import { findJava, javaPiece } from './servers/kafka/java.ts'
import { keepsTo } from './servers/kafka/local.ts'
import { requirePiece } from './servers/pieces.ts'
import type { ServerContext } from './servers/server.ts'

/** Runs one of Kafka's own tools; answers what it printed. Rejects when it fails, is aborted, or takes too long. */
export type KafkaTool = (main: string, args: string[]) => Promise<string>

/** A tool moves a few hundred megabytes at most. */
const TOOL_MS = 5 * 60_000
/** What the broker's own scripts give a tool. */
const FLAGS = ['-Xmx512M', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20']

/** The tools that come with the broker, from the same jars: found like the local broker's, and downloaded like them. */
export async function openKafkaTools(context: ServerContext): Promise<KafkaTool> {
  const java = await requirePiece(javaPiece, context, findJava)
  const libs = await kafkaJars(context, java)
  const { run, signal } = context
  let count = 0
  return async (main, args) => {
    signal?.throwIfAborted()
    const name = `${main.split('.').at(-1)}-${++count}`
    const logFile = join(run.path, 'logs', `${name}.log`)
    const child = await startChild({
      run,
      name,
      command: java.command,
      args: [...FLAGS, ...keepsTo(run.path), '-cp', join(libs, '*'), main, ...args],
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', HOME: run.path },
      logFile,
    })
    const stop = () => void child.kill()
    signal?.addEventListener('abort', stop)
    try {
      const { code } = await within(child.exited, TOOL_MS, `${name} to end`)
      signal?.throwIfAborted()
      const printed = readFileSync(logFile, 'utf8')
      if (code !== 0) throw new Error(`${name} failed:\n${printed.slice(-2_000)}`)
      return printed
    } finally {
      signal?.removeEventListener('abort', stop)
      if (child.isRunning()) await child.kill()
    }
  }
}
