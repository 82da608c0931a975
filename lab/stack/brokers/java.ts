import { execFile } from 'node:child_process'
import { globSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { onPath } from './rabbit-find.ts'

export interface Java {
  /** The `java` program. */
  command: string
  /** JAVA_HOME for tools that ask for it. */
  home: string
  major: number
}

/** Kafka 4 refuses to run on less. */
export const MIN_JAVA = 17

const USUAL = [
  '/usr/lib/jvm/*/bin/java',
  '/opt/homebrew/opt/openjdk*/bin/java',
  '/usr/local/opt/openjdk*/bin/java',
  '/Library/Java/JavaVirtualMachines/*/Contents/Home/bin/java',
]

/** The first Java of 17 or later: JAVA_HOME, then PATH, then the usual places. Undefined when there is none. */
export async function findJava(env: NodeJS.ProcessEnv): Promise<Java | undefined> {
  const candidates = [
    env.JAVA_HOME && join(env.JAVA_HOME, 'bin/java'),
    onPath('java', env),
    ...USUAL.flatMap((pattern) => globSync(pattern)),
  ]
  for (const command of new Set(candidates)) {
    const major = command ? await majorVersion(command) : undefined
    if (command && major && major >= MIN_JAVA) {
      return { command, home: dirname(dirname(realpathSync(command))), major }
    }
  }
  return undefined
}

/** `17` of `openjdk version "17.0.15"`, `8` of `java version "1.8.0_402"`; undefined for anything else. */
export function parseJavaMajor(output: string): number | undefined {
  const found = output.match(/version "(?:1\.)?(\d+)/)
  return found ? Number(found[1]) : undefined
}

async function majorVersion(command: string): Promise<number | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, ['-version'], { timeout: 10_000 })
    return parseJavaMajor(stdout + stderr)
  } catch {
    return undefined // not there, or the macOS stub that only tells where to buy one
  }
}
