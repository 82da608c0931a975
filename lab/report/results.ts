import { z } from 'zod'
import { Chart } from './chart.ts'

/** 3: what the machine did not let be measured is a verdict of its own. */
export const SCHEMA_VERSION = 3

/** What became of an experiment. What each means, and the words for it, is in `verdict.ts`. */
export const Verdict = z.enum(['holds', 'broken', 'not measured', 'error', 'interrupted'])
export type Verdict = z.infer<typeof Verdict>

const Check = z.object({
  name: z.string(),
  holds: z.boolean(),
  detail: z.string(),
  voids: z.literal(true).optional().describe('Whether the figures may not be believed when it does not hold'),
})

const Cell = z.union([z.string(), z.number()])

export const ExperimentRecord = z.object({
  name: z.string(),
  part: z.string(),
  question: z.string(),
  params: z.record(z.string(), z.json()),
  started_at: z.iso.datetime(),
  duration_seconds: z.number(),
  verdict: Verdict,
  checks: z.array(Check),
  tables: z.array(
    z.object({ title: z.string(), columns: z.array(z.string()), rows: z.array(z.array(Cell)) }),
  ),
  charts: z.array(Chart).optional(),
  reading: z.array(z.string()).optional().describe('The outcome in plain words, made from the figures'),
  invalid: z.array(z.string()).optional().describe('Why the figures may not be believed'),
  earlier_attempt: z.array(z.string()).optional().describe('Why an earlier attempt measured nothing'),
  data: z.record(z.string(), z.json()).describe('Raw figures; the names carry their units'),
  error: z.string().optional().describe('Why it could not be run to its end'),
})
export type ExperimentRecord = z.infer<typeof ExperimentRecord>

export const Environment = z.object({
  node: z.string(),
  os: z.string(),
  arch: z.string(),
  cpu: z.string(),
  cpu_count: z.int(),
  memory_bytes: z.int(),
  git_commit: z.string().optional(),
  git_dirty: z.boolean().optional().describe('Whether the working tree differed from the commit'),
})
export type Environment = z.infer<typeof Environment>

export const BrokerRecord = z.object({
  kind: z.enum(['rabbitmq', 'kafka']),
  version: z.string(),
  origin: z.enum(['external', 'docker', 'local']).describe('Whose broker it was'),
})
export type BrokerRecord = z.infer<typeof BrokerRecord>

/** `results.json` of one run. A reader refuses a `schema_version` it does not know and a digest that is not that of the rest. */
export const Results = z.object({
  schema_version: z.literal(SCHEMA_VERSION),
  run: z.string().describe('Name of the folder under results/'),
  profile: z.enum(['quick', 'default', 'full', 'soak']),
  started_at: z.iso.datetime(),
  ended_at: z.iso.datetime().optional().describe('Absent while the run goes on, and when it was killed'),
  complete: z.boolean().describe('Whether every planned experiment came to a verdict of its own'),
  environment: Environment,
  brokers: z.array(BrokerRecord),
  planned: z.array(z.string()),
  experiments: z.array(ExperimentRecord),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .describe('Of everything else in the document; see digest.ts'),
})
export type Results = z.infer<typeof Results>
