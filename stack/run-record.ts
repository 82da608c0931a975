import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const Identity = z.object({ pid: z.number().int().positive(), startedAt: z.string().min(1) })

/** `run.json`: who runs here and what it started, so that a later run can tell and clear up. */
export const RunRecord = z.object({
  schema: z.literal(1),
  id: z.string(),
  openedAt: z.string(),
  pidNamespace: z.string(),
  runner: Identity,
  /** True once a container labelled with this run may exist. */
  usesDocker: z.boolean(),
  children: z.array(Identity.extend({ name: z.string() })),
})
export type RunRecord = z.infer<typeof RunRecord>

/** Replaces the record in one step: a reader, and a runner killed here, see the old one or the new one. */
export function writeRecord(folder: string, record: RunRecord): void {
  const next = join(folder, 'run.json.next')
  writeFileSync(next, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
  renameSync(next, join(folder, 'run.json'))
}

/** Undefined when the folder holds no record that this version understands. */
export function readRecord(folder: string): RunRecord | undefined {
  try {
    return RunRecord.parse(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')))
  } catch {
    return undefined // the caller leaves such a folder alone and names it
  }
}
