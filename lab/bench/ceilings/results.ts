import { z } from 'zod'
import { BrokerRecord, Environment } from '../../report/results.ts'

export const CEILINGS_SCHEMA_VERSION = 1

const Verdict = z.enum(['met', 'missed'])
const Spread = z.object({ median: z.number(), min: z.number(), max: z.number() })

export const Comparison = z.object({
  name: z.string(),
  ours: z.string(),
  ceiling: z.string(),
  rounds: z.array(
    z.object({ ours_per_second: z.number(), ceiling_per_second: z.number(), ratio: z.number() }),
  ),
  ratio: Spread.describe('Ours over the ceiling, each round by itself'),
  target: z
    .number()
    .optional()
    .describe('What the median has to reach; absent where the ratio is information'),
  verdict: Verdict.optional(),
})
export type Comparison = z.infer<typeof Comparison>

const ServiceCost = z.object({
  process: z.string(),
  first_us: z.number().optional().describe('Processor time per order of the first segment, microseconds'),
  last_us: z.number().optional(),
  change: z.number().optional().describe('last / first - 1'),
  cost: Verdict.optional(),
  first_rss_bytes: z.int().optional(),
  last_rss_bytes: z.int().optional(),
  peak_rss_bytes: z.int().optional(),
  memory: Verdict.optional(),
})

const Flatness = z.object({
  orders: z.int().describe('Orders the services held at the end'),
  segment: z
    .int()
    .describe('Orders of the first and of the last segment; as many were sent before the first'),
  services: z.array(ServiceCost),
})
export type Flatness = z.infer<typeof Flatness>

const Profile = z.object({
  process: z.string(),
  busy_ms: z.number().describe('Sampled time that was not idle'),
  idle_ms: z.number(),
  functions: z.array(
    z.object({ name: z.string(), file: z.string(), self_ms: z.number(), share: z.number() }),
  ),
  packages: z.array(z.object({ name: z.string(), self_ms: z.number(), share: z.number() })),
})
export type Profile = z.infer<typeof Profile>

export const PartCeilings = z.object({
  part: z.string(),
  round_orders: z.int().describe('Orders of one round'),
  comparisons: z.array(Comparison),
  flatness: Flatness.optional(),
  profiles: z.array(Profile),
  valid: z.boolean(),
  ledger: z.array(z.string()).describe('What does not balance; empty for a valid run'),
})
export type PartCeilings = z.infer<typeof PartCeilings>

/** `ceilings.json`. */
export const CeilingsResults = z.object({
  schema_version: z.literal(CEILINGS_SCHEMA_VERSION),
  bench: z.literal('ceilings'),
  started_at: z.iso.datetime(),
  ended_at: z.iso.datetime(),
  environment: Environment,
  load_average: z
    .object({ before: z.array(z.number()), after: z.array(z.number()) })
    .describe('Of the machine, over 1, 5 and 15 minutes; a busy machine makes single figures mean little'),
  brokers: z.array(BrokerRecord),
  parts: z.array(PartCeilings),
})
export type CeilingsResults = z.infer<typeof CeilingsResults>
