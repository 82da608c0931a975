import { execFile } from 'node:child_process'
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { promisify } from 'node:util'
import type { BrokerRecord, Environment } from './results.ts'

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

export const describeBroker = ({ kind, version, origin }: BrokerRecord): BrokerRecord => ({
  kind,
  version,
  origin,
})

/** Undefined outside a repository, without git, and before the first commit. */
async function git(...args: string[]): Promise<string | undefined> {
  try {
    const options = { cwd: import.meta.dirname, timeout: GIT_MS }
    const { stdout } = await promisify(execFile)('git', args, options)
    return stdout.trim()
  } catch {
    return undefined
  }
}
