import type { PartSpec } from '@lab/stack/spec.ts'
import { z } from 'zod'
import { parts } from '../../parts.ts'
import { Environment, Table } from '../run/schema.ts'
import type { Progress, Session } from '../run/session.ts'
import type { TrioName } from '../trio.ts'

export interface BenchOptions {
  session: Session
  /** Those that are measured; the trios unless told. */
  parts: TrioName[]
  /** Of each segment, of a round, or in all: each bench says of which. */
  orders: number[]
  rounds: number
  connections: number
  env: NodeJS.ProcessEnv
}

/** One part, measured. */
export interface Measured {
  part: string
  /** What does not balance; empty when the figures may be believed. */
  ledger: string[]
  tables: Table[]
  /** What is said below the tables. */
  lines: string[]
  /** In a few words, for the line of progress. */
  short: string
  /** Raw figures; the names carry their units. */
  data: Record<string, unknown>
}

/** What a table says where a figure is not known. */
export const NOT_KNOWN = 'n/a'

export const megabytes = (bytes: number | undefined): number | string =>
  bytes === undefined ? NOT_KNOWN : Math.round(bytes / 2 ** 20)

/** The figures of a run mean nothing: orders are missing, or were not completed. The message says what was seen. */
export class BenchInvalid extends Error {}

export interface Bench {
  /** Of one that measures nothing: what does not balance is what it looks for, and no doubt about its figures. */
  looksFor?: string
  /** One after the other. */
  parts: (options: BenchOptions) => {
    part: string
    title: string
    measure: (progress: Progress) => Promise<Measured>
  }[]
}

export interface OneBench extends Omit<BenchOptions, 'parts' | 'orders' | 'env'> {
  spec: PartSpec
  orders: number
  progress: Progress
}

/** Of a part that stands beside the trios. */
export const benchOf = (
  part: string,
  about: string,
  measure: (options: OneBench) => Promise<Measured>,
): Bench => ({
  parts: ({ orders: [orders = 0], ...options }) => [
    {
      part,
      title: `${part}: ${about}`,
      measure: (progress) =>
        measure({ ...options, spec: parts.find(({ name }) => name === part)!, orders, progress }),
    },
  ],
})

export const BENCH_SCHEMA_VERSION = 2

/** `bench.json`. */
export const BenchResults = z.object({
  schema_version: z.literal(BENCH_SCHEMA_VERSION),
  bench: z.string(),
  started_at: z.iso.datetime(),
  ended_at: z.iso.datetime(),
  environment: Environment,
  load_average: z
    .object({ before: z.array(z.number()), after: z.array(z.number()) })
    .describe('Of the machine, over 1, 5 and 15 minutes; a busy machine makes single figures mean little'),
  servers: z.array(z.object({ kind: z.string(), version: z.string(), origin: z.string() })),
  parts: z.array(
    z.object({
      part: z.string(),
      valid: z.boolean(),
      ledger: z.array(z.string()).describe('What does not balance; empty for a valid run'),
      tables: z.array(Table),
      lines: z.array(z.string()),
      data: z.record(z.string(), z.json()),
    }),
  ),
})
export type BenchResults = z.infer<typeof BenchResults>
