import { withDigest } from '../run/results.ts'
import {
  type Chart,
  type ExperimentRecord,
  type Results,
  SCHEMA_VERSION,
  type Series,
} from '../run/schema.ts'

export const check = (name: string, holds = true) => ({ name, holds, detail: `seen: ${name}` })
export const voidingCheck = (name: string, holds = true) => ({ ...check(name, holds), voids: true as const })

export const experimentRecord = (overrides: Partial<ExperimentRecord> = {}): ExperimentRecord => ({
  name: 'rest-baseline',
  part: 'sync-rest',
  question: 'How long does one order take?',
  params: { orders: 20 },
  started_at: '2026-11-21T10:20:31.000Z',
  duration_seconds: 1.5,
  verdict: 'holds',
  checks: [check('every order is answered 201'), voidingCheck('the ledger balances')],
  tables: [],
  data: {},
  ...overrides,
})

/** A run that may be believed, of the given experiments; its digest is right whatever is overridden. */
export function runOf(experiments: ExperimentRecord[], overrides: Partial<Results> = {}): Results {
  return withDigest({
    schema_version: SCHEMA_VERSION,
    run: '2026-11-21T10-20-30',
    profile: 'quick',
    started_at: '2026-11-21T10:20:30.000Z',
    ended_at: '2026-11-21T10:21:40.000Z',
    complete: true,
    environment: {
      node: 'v24.21.0',
      os: 'Linux 6.1.0',
      arch: 'x64',
      cpu: 'A processor',
      cpu_count: 2,
      memory_bytes: 8 * 2 ** 30,
      git_commit: '0123456789abcdef0123456789abcdef01234567',
      git_dirty: false,
    },
    brokers: [
      { kind: 'rabbitmq', version: '4.3.2', origin: 'local' },
      { kind: 'kafka', version: '4.3.1', origin: 'local' },
    ],
    planned: experiments.map(({ name }) => name),
    experiments,
    ...overrides,
  })
}

export const series = (overrides: Partial<Series> = {}): Series => ({
  name: 'answered',
  n: 1_000,
  points: [
    [0, 1],
    [1, 4],
    [2, 2],
  ],
  ...overrides,
})

export const chart = (overrides: Partial<Chart> = {}): Chart => ({
  title: 'Latency over time',
  x: { label: 'Time', unit: 's', scale: 'linear' },
  y: { label: 'Latency', unit: 'ms', scale: 'linear' },
  series: [series()],
  ...overrides,
})
