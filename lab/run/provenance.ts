import { execFile } from 'node:child_process'
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { promisify } from 'node:util'
import type { BrokerRecord, Environment } from './schema.ts'

const GIT_MS = 3_000

/** The machine and the code a figure comes from: a number without them cannot be compared with another. */
export async function describeEnvironment(): Promise<Environment> {
  const commit = await git('rev-parse', 'HEAD')
  const changes = commit === undefined ? undefined : await git('status', '--porcelain')
  return {
    node: process.version,
    os: `${type()} ${release()}`,
    arch: arch(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpu_count: availableParallelism(),
    memory_bytes: totalmem(),
    ...(commit && { git_commit: commit }),
    ...(changes !== undefined && { git_dirty: changes !== '' }),
  }
}

export const describeBroker = <Kind extends string>({
  kind,
  version,
  origin,
}: Omit<BrokerRecord, 'kind'> & { kind: Kind }) => ({ kind, version, origin })

/** Whoever runs the code of a checkout may ask which one it is, also when the folder is somebody else's. */
const TRUSTED = ['-c', 'safe.directory=*']

/** In a git hook, and where somebody has set them, these name another repository. */
const LEFT_OUT = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_COMMON_DIR'].flatMap((name) => [
  '-u',
  name,
])

/** Undefined outside a repository, without git, and before the first commit. */
async function git(...args: string[]): Promise<string | undefined> {
  try {
    const options = { cwd: import.meta.dirname, timeout: GIT_MS }
    const { stdout } = await promisify(execFile)('env', [...LEFT_OUT, 'git', ...TRUSTED, ...args], options)
    return stdout.trim()
  } catch {
    return undefined
  }
}
