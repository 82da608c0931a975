import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { identify, type ProcessIdentity, sendSignal } from '@lab/stack/process-identity.ts'
import type { RunDir } from '@lab/stack/run-dir.ts'
import { inject } from 'vitest'
import { laneOfWorker } from './lanes.ts'
import './provided.ts'

/**
 * The runner's run directory of this lane, seen from a test worker. What a worker starts in it carries the run's marker, so the
 * runner ends it when the worker could not. A worker that exits takes its own children along; `close` does nothing,
 * because the folder is the runner's.
 */
export function joinRunDir({ id, path } = inject('runs')[laneOfWorker()]!): RunDir {
  const children = new Map<number, ProcessIdentity>()
  process.once('exit', () => {
    for (const child of children.values()) sendSignal(child, 'SIGKILL')
  })
  return {
    id,
    path,
    swept: { swept: [], live: [], unknown: [] },
    async sub(name) {
      const folder = join(path, name)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      return folder
    },
    async track({ pid }) {
      const identity = identify(pid)
      if (identity) children.set(pid, identity)
    },
    async untrack(pid) {
      children.delete(pid)
    },
    async usesDocker() {
      throw new Error('a test that starts containers opens a run directory of its own (openRunDir)')
    },
    async close() {},
  }
}
