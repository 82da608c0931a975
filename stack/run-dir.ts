import { randomBytes } from 'node:crypto'
import { lstatSync, mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { removeOutside } from './outside.ts'
import { endAll, findMarked, identify, killAndWait, pidNamespace, sendSignal } from './process-identity.ts'
import { type RunRecord, writeRecord } from './run-record.ts'
import { type SweepReport, sweepDeadRuns } from './run-sweep.ts'
import { removeContainersOf } from './servers/docker-engine.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { userId } from './user.ts'

/**
 * One private folder per run of the lab: `<tmp>/messaging-lab-<uid>/<run id>/`. Its `run.json` names the runner and
 * every child (pid and kernel start time), so a later run can sweep what a killed one left, and only that.
 * The logs of all children are in `logs/`.
 */
export interface RunDir {
  id: string
  path: string
  /** What dead runs had left behind when this one opened. */
  swept: SweepReport
  /** Creates `<run>/<name>` (mode 0700) when it is missing and answers its path. */
  sub(name: string): Promise<string>
  /** Writes the child down before it resolves. Call it at once after the spawn. */
  track(child: { pid: number; name: string }): Promise<void>
  untrack(pid: number): Promise<void>
  /** Notes that containers labelled with this run's id may exist from now on. */
  usesDocker(): Promise<void>
  /** Ends every process and container of this run that is still there and removes the folder. Idempotent. */
  close(): Promise<void>
}

export interface OpenRunDirOptions {
  /** The folder that holds the runs; `<tmp>/messaging-lab-<uid>` by default. */
  base?: string
  /** Says where the Docker engine is (DOCKER_HOST), for containers of dead runs. */
  env?: NodeJS.ProcessEnv
  progress?: (text: string) => void
}

/** Sweeps dead runs, then opens a new one. */
export async function openRunDir(options: OpenRunDirOptions = {}): Promise<RunDir> {
  const record = newRecord()
  const { swept, path } = await sweepAndCreate(options, record)
  const { instead } = options.base === undefined ? temporaryFolder() : {}
  if (instead !== undefined) options.progress?.(instead)

  let closing: Promise<void> | undefined
  const lastResort = () => clearAtExit(path, record)
  process.once('exit', lastResort)
  const change = (how: () => void) => {
    how()
    if (!closing) writeRecord(path, record)
  }

  return {
    id: record.id,
    path,
    swept,
    async sub(name) {
      const folder = join(path, name)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      return folder
    },
    async track({ pid, name }) {
      const identity = identify(pid)
      if (identity) change(() => record.children.push({ ...identity, name }))
    },
    async untrack(pid) {
      change(() => {
        record.children = record.children.filter((child) => child.pid !== pid)
      })
    },
    async usesDocker() {
      change(() => {
        record.usesDocker = true
      })
    },
    close() {
      closing ??= closeRun(path, record, options.env ?? {}).finally(() => process.off('exit', lastResort))
      return closing
    },
  }
}

/** Another run that closes may remove the empty base folder between two of these steps: then again. */
async function sweepAndCreate(options: OpenRunDirOptions, record: RunRecord) {
  for (let tries = 1; ; tries++) {
    try {
      const base = privateBase(options.base ?? runsFolder())
      const swept = await sweepDeadRuns({ ...options, base })
      return { swept, path: createFolder(base, record) }
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 5) throw err
    }
  }
}

/** Where the runs of this user are. */
export function runsFolder(): string {
  return join(temporaryFolder().path, `messaging-lab-${userId()}`)
}

/** The temporary folder is shared: refuse one that somebody else prepared under our name. */
function privateBase(base: string): string {
  mkdirSync(base, { recursive: true, mode: 0o700 })
  const found = lstatSync(base)
  const uid = userId()
  if (!found.isDirectory() || (uid >= 0 && found.uid !== uid) || (found.mode & 0o022) !== 0) {
    throw new Error(
      `${base} is not a folder that only you can write to. Remove it, or set TMPDIR to another folder.`,
    )
  }
  return base
}

function newRecord(): RunRecord {
  const runner = identify(process.pid)
  if (!runner)
    throw new Error('the start time of this process cannot be read (is /proc mounted, is ps installed?)')
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+Z/g, '')
  return {
    schema: 1,
    id: `${stamp}-${process.pid}-${randomBytes(3).toString('hex')}`,
    openedAt: new Date().toISOString(),
    pidNamespace: pidNamespace(),
    runner,
    usesDocker: false,
    children: [],
  }
}

/** The folder appears under its name with the record already in it: a sweep never meets a run without one. */
function createFolder(base: string, record: RunRecord): string {
  const unborn = mkdtempSync(join(base, '.new-'))
  mkdirSync(join(unborn, 'logs'))
  writeRecord(unborn, record)
  const path = join(base, record.id)
  renameSync(unborn, path)
  return path
}

async function closeRun(path: string, record: RunRecord, env: NodeJS.ProcessEnv): Promise<void> {
  const marked = findMarked(path) // before the first is ended: then its descendants are nobody's any more
  await Promise.all([...record.children, ...marked].map((child) => killAndWait(child)))
  await endAll(() => findMarked(path))
  // Containers that cannot be removed now are removed by the next run, which needs the record.
  if (record.usesDocker && (await removeContainersOf(record.id, env)) === undefined) return
  removeOutside(record.id)
  rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  removeIfEmpty(dirname(path))
}

function removeIfEmpty(base: string): void {
  try {
    rmdirSync(base)
  } catch {
    // Another run is in it, or has removed it already.
  }
}

/** A runner that ends without `close` (an uncaught error, process.exit) takes its children along. */
function clearAtExit(path: string, record: RunRecord): void {
  for (const child of [...record.children, ...findMarked(path)]) sendSignal(child, 'SIGKILL')
  removeOutside(record.id)
  // With containers about, the folder is what tells the next run to look for them.
  if (!record.usesDocker) rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
}
