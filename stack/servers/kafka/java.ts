import { execFile } from 'node:child_process'
import { existsSync, globSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { onPath } from '../pieces.ts'
import type { Piece } from '../server.ts'

export interface Java {
  /** The `java` program. */
  command: string
  /** JAVA_HOME for tools that ask for it. */
  home: string
  major: number
}

/** By these every Java takes options without being asked to; an agent that is not there ends it before it begins. */
const JAVA_VARIABLES = [
  'JAVA_TOOL_OPTIONS',
  '_JAVA_OPTIONS',
  'JDK_JAVA_OPTIONS',
  'IBM_JAVA_OPTIONS',
  'OPENJ9_JAVA_OPTIONS',
  'CLASSPATH',
]

/** Kafka 4 refuses to run on less. */
const MIN_JAVA = 17

export const javaPiece: Piece = {
  label: `Java ${MIN_JAVA} or later`,
  packages: {
    debian: ['openjdk-17-jre-headless', 'openjdk-21-jre-headless', 'openjdk-25-jre-headless'],
    fedora: 'java-21-openjdk-headless',
    brew: 'openjdk@21',
  },
}

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
    const java = command ? await ask(command, env) : undefined
    if (java && java.major >= MIN_JAVA) return java
  }
  return undefined
}

/** The environment without what Java reads by itself. */
export function withoutJavaOptions(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !JAVA_VARIABLES.includes(name)))
}

/** Those of the variables that are set, to be named when a Java of the user's own fails. */
export const javaVariablesIn = (env: NodeJS.ProcessEnv): string[] =>
  JAVA_VARIABLES.filter((name) => env[name])

/** `17` of `openjdk version "17.0.15"`, `8` of `java version "1.8.0_402"`; undefined for anything else. */
export function parseJavaMajor(output: string): number | undefined {
  const found = output.match(/version "(?:1\.)?(\d+)/)
  return found ? Number(found[1]) : undefined
}

/** The program may be a stand-in that finds the real one by the user's environment: that one is taken. */
async function ask(command: string, env: NodeJS.ProcessEnv): Promise<Java | undefined> {
  try {
    const options = { timeout: 10_000, env: withoutJavaOptions(env) }
    const flags = ['-XshowSettings:properties', '-version']
    const { stdout, stderr } = await promisify(execFile)(command, flags, options)
    const major = parseJavaMajor(stdout + stderr)
    const said = /^\s*java\.home = (.+)$/m.exec(stdout + stderr)?.[1]
    const real = said && join(said, 'bin/java')
    const program = real && existsSync(real) ? real : realpathSync(command)
    return major === undefined ? undefined : { command: program, home: dirname(dirname(program)), major }
  } catch {
    return undefined // not there, or the macOS stub that only tells where to buy one
  }
}
