import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { within } from '@lab/kit/wait.ts'
import { readProcess } from '../bench/process-figures.ts'
import type { Running } from '../part.ts'
import type { PartClient } from '../parts/client.ts'
import { watchPart } from '../parts/index.ts'
import type { RunningTrio } from '../trio.ts'

/** What a part occupied at one moment. */
export interface Sample {
  /** Milliseconds since the load began. */
  atMs: number
  /** Orders the generator had sent by then. */
  orders: number
  /** By service; absent while it does not run, and where there is no /proc. */
  rssBytes: Record<string, number>
  handles: Record<string, number>
  /** Messages or orders that wait; absent while nobody answers. */
  waiting?: number
  /** All files below the data folder; absent without one. */
  storeBytes?: number
}

export interface Sampling {
  part: RunningTrio
  client: PartClient
  /** Milliseconds since the load began, and the orders sent so far. */
  now: () => { atMs: number; orders: number }
  everyMs: number
  /** Ends the samples. */
  over: AbortSignal
}

const LOOK_WITHIN_MS = 4_000

export async function takeSamples({ part, client, now, everyMs, over }: Sampling): Promise<Sample[]> {
  const samples: Sample[] = []
  while (!over.aborted) {
    // While a broker or a service is away, nobody can say what waits: the sample then has no such figure.
    const waiting = await within(
      waitingIn({ part, client, signal: over }),
      LOOK_WITHIN_MS,
      'the backlog',
    ).catch(() => undefined)
    const storeBytes = part.dataDir === undefined ? 0 : bytesBelow(part.dataDir)
    samples.push({
      ...now(),
      ...processesOf(part),
      ...(waiting !== undefined && { waiting }),
      ...(storeBytes > 0 && { storeBytes }),
    })
    await sleep(everyMs, undefined, { signal: over }).catch(() => {
      // The load is over, and so are the samples.
    })
  }
  return samples
}

function processesOf({ services }: RunningTrio): Pick<Sample, 'rssBytes' | 'handles'> {
  const figures: Pick<Sample, 'rssBytes' | 'handles'> = { rssBytes: {}, handles: {} }
  for (const { name, pid } of services) {
    const process = readProcess(pid)
    const handles = handlesOf(pid)
    // One that has ended, and whose end nobody has noted yet, has no memory any more.
    if (process && !Number.isNaN(process.rssBytes)) figures.rssBytes[name] = process.rssBytes
    if (handles !== undefined) figures.handles[name] = handles
  }
  return figures
}

function handlesOf(pid: number | undefined): number | undefined {
  try {
    return pid === undefined ? undefined : readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return undefined // no /proc here, or the process is gone
  }
}

function bytesBelow(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + sizeOf(join(entry.parentPath, entry.name)), 0)
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/** Over connections of its own: a broker that was killed has broken all others. */
async function waitingIn(running: Running): Promise<number> {
  await using watch = await watchPart(running)
  return (await watch.backlog()).reduce((sum, { messages }) => sum + messages, 0)
}
