import { z } from 'zod'
import { MEANINGS } from '../report/palette.ts'

/** `log` needs positive values; `percentile`, in percent, spaces 90, 99, 99.9 evenly, as HDR histograms are read. */
const Axis = z.object({
  label: z.string(),
  unit: z.string(),
  scale: z.enum(['linear', 'log', 'percentile']),
})
export type Axis = z.infer<typeof Axis>

const Point = z
  .tuple([z.number(), z.number().nullable()])
  .describe('A y of null: from here to the next point nothing was measured')
export type Point = z.infer<typeof Point>
/** A point at which there is something to draw. */
export type MeasuredPoint = [x: number, y: number]

export const isMeasured = (point: Point): point is MeasuredPoint => point[1] !== null

const Series = z.object({
  name: z.string(),
  n: z.int().min(0).describe('Samples behind the curve'),
  points: z.array(Point),
  step: z.boolean().optional().describe('Whether a value holds until the next point'),
  means: z.enum(MEANINGS).optional().describe('What its colour stands for, in every chart'),
})
export type Series = z.infer<typeof Series>

/** Curves over a common axis. `n` is the number of samples behind a curve; marks are moments such as a fault. */
export const Chart = z.object({
  title: z.string(),
  x: Axis,
  y: Axis,
  series: z.array(Series),
  marks: z.array(z.object({ x: z.number(), label: z.string() })).optional(),
})
export type Chart = z.infer<typeof Chart>

/** 5: a histogram is HdrHistogram's own text and nothing else. */
export const SCHEMA_VERSION = 5

/** What became of an experiment. What each means, and the words for it, is in `verdict.ts`. */
export const Verdict = z.enum(['holds', 'broken', 'not measured', 'error', 'interrupted'])
export type Verdict = z.infer<typeof Verdict>

/** One thing an experiment must show. */
const Check = z.object({
  name: z.string(),
  holds: z.boolean(),
  detail: z.string().describe('What was seen, with numbers, also when it holds'),
  voids: z.literal(true).optional().describe('Whether the figures may not be believed when it does not hold'),
})

export type Check = z.infer<typeof Check>

const Cell = z.union([z.string(), z.number()])

/** As the terminal and the report show it. Units stand in the column titles; cells are already rounded. */
export const Table = z.object({
  title: z.string(),
  columns: z.array(z.string()),
  rows: z.array(z.array(Cell)),
})

export type Table = z.infer<typeof Table>

/** The rows of the table that puts the styles beside each other. */
export const QUESTIONS = [
  'the same load on all three',
  'an order',
  'a slow or absent service',
  'failure, and return',
  'the same message again',
  'an unreadable message',
] as const

const Said = z.object({ question: z.enum(QUESTIONS), style: z.string(), words: z.string() })
export type Said = z.infer<typeof Said>

export const ExperimentRecord = z.object({
  name: z.string(),
  part: z.string(),
  question: z.string(),
  params: z.record(z.string(), z.json()),
  started_at: z.iso.datetime(),
  duration_seconds: z.number(),
  verdict: Verdict,
  checks: z.array(Check),
  tables: z.array(Table),
  charts: z.array(Chart).optional(),
  reading: z.array(z.string()).optional().describe('The outcome in plain words, made from the figures'),
  says: z.array(Said).optional().describe('What it says of a style, beside what others say of the others'),
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
    .describe('Of everything else in the document; see results.ts'),
})
export type Results = z.infer<typeof Results>
