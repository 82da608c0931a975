import { readFileSync } from 'node:fs'
import { statFields } from '@lab/stack/proc-stat.ts'

/** What the kernel says of one process. */
export interface ProcessFigures {
  /** Time on a processor since its start, user and system, in microseconds; the kernel counts in steps of 10 ms. */
  cpuUs: number
  rssBytes: number
  /** The most memory that was ever resident. */
  peakRssBytes: number
}

/** Ticks of /proc/<pid>/stat are 1/100 s on every Linux that Node runs on. */
const US_PER_TICK = 10_000

/** Undefined where there is no /proc, or when the process is gone. */
export function readProcess(pid: number | undefined): ProcessFigures | undefined {
  if (pid === undefined) return undefined
  try {
    return parseProcess(
      readFileSync(`/proc/${pid}/stat`, 'utf8'),
      readFileSync(`/proc/${pid}/status`, 'utf8'),
    )
  } catch {
    return undefined
  }
}

/** From the texts of `/proc/<pid>/stat` and `/proc/<pid>/status`. */
export function parseProcess(stat: string, status: string): ProcessFigures {
  const fields = statFields(stat)
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1_024
  return {
    cpuUs: (Number(fields[11]) + Number(fields[12])) * US_PER_TICK,
    rssBytes: bytes('VmRSS'),
    peakRssBytes: bytes('VmHWM'),
  }
}
