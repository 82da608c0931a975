import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { removeOutside } from './outside.ts'
import { findMarked, isAlive, killAndWait, type ProcessIdentity, pidNamespace } from './process-identity.ts'
import { type RunRecord, readRecord } from './run-record.ts'
import { removeContainersOf } from './servers/docker-engine.ts'

export interface SweptRun {
  id: string
  /** Processes that were ended, as `<name> (<pid>)`. */
  ended: string[]
  containers: number
  /** Why the folder is still there; undefined when it is gone. */
  kept?: string
}

export interface SweepReport {
  swept: SweptRun[]
  /** Runs whose runner is alive. They were not touched. */
  live: string[]
  /** Folders that cannot be judged from here (no readable record, another pid namespace). Not touched. */
  unknown: string[]
}

export interface SweepOptions {
  base: string
  /** Says where the Docker engine is (DOCKER_HOST); without it the usual sockets are tried. */
  env?: NodeJS.ProcessEnv
  progress?: (text: string) => void
}

const UNBORN_MAX_AGE_MS = 60_000

/**
 * Ends the processes and containers of runs whose runner is dead and removes their folders. A process is ended only
 * when its pid and kernel start time are the recorded ones, or when it carries that very run in its environment.
 */
export async function sweepDeadRuns({ base, env = {}, progress }: SweepOptions): Promise<SweepReport> {
  const report: SweepReport = { swept: [], live: [], unknown: [] }
  for (const name of readdirSync(base)) {
    const path = join(base, name)
    if (name.startsWith('.new-')) {
      removeUnborn(path)
      continue
    }
    const record = readRecord(path)
    if (!record || record.pidNamespace !== pidNamespace()) report.unknown.push(name)
    else if (isAlive(record.runner)) report.live.push(name)
    else report.swept.push(await sweepRun(path, record, env))
  }
  for (const run of report.swept) progress?.(describe(run))
  return report
}

async function sweepRun(path: string, record: RunRecord, env: NodeJS.ProcessEnv): Promise<SweptRun> {
  const ended: string[] = []
  const survivors: string[] = []
  const end = async (child: ProcessIdentity, name: string) => {
    if (!isAlive(child)) return
    const label = `${name} (${child.pid})`
    ;((await killAndWait(child)) ? ended : survivors).push(label)
  }
  const marked = findMarked(path) // before the first is ended: then its descendants are nobody's any more
  for (const child of record.children) await end(child, child.name)
  for (const child of marked) await end(child, 'untracked')
  // Again: one of them may have started another before it was ended.
  for (const child of findMarked(path)) await end(child, 'untracked')

  const swept: SweptRun = { id: record.id, ended, containers: 0 }
  if (survivors.length > 0) return { ...swept, kept: `cannot end ${survivors.join(', ')}` }
  if (record.usesDocker) {
    const removed = await removeContainersOf(record.id, env)
    if (removed === undefined) return { ...swept, kept: 'its containers: no Docker engine answers' }
    swept.containers = removed
  }
  removeOutside(record.id)
  rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  return swept
}

/** A runner killed while it created its folder had no children yet. */
function removeUnborn(path: string): void {
  const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
  if (age > UNBORN_MAX_AGE_MS) rmSync(path, { recursive: true, force: true })
}

function describe({ id, ended, containers, kept }: SweptRun): string {
  const what = [...ended, ...(containers > 0 ? [`${containers} container(s)`] : [])].join(', ')
  const end = kept ? `kept its folder: ${kept}` : 'removed its folder'
  return `cleared up after run ${id}, which was killed: ${what ? `ended ${what}, ` : ''}${end}`
}
