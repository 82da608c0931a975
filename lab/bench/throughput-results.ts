import { z } from 'zod'
import { BrokerRecord, Environment } from '../report/results.ts'

export const BENCH_SCHEMA_VERSION = 1

const ProcessFigures = z.object({
  process: z.string().describe('A service, or the load generator'),
  cpu_us_per_order: z.number().optional().describe('Absent where the system does not tell'),
  rss_bytes: z.int().optional().describe('Resident when the segment had ended'),
  peak_rss_bytes: z.int().optional().describe('The most that was ever resident, since its start'),
})

const Segment = z.object({
  orders: z.int(),
  accepted_seconds: z.number().describe('From the first order sent to the last one answered'),
  completed_seconds: z.number().describe('From the first order sent to the last terminal status seen'),
  accepted_per_second: z.number(),
  completed_per_second: z.number(),
  statuses: z.record(z.string(), z.int()),
  unknown: z.int(),
  processes: z.array(ProcessFigures),
})
export type Segment = z.infer<typeof Segment>

export const PartThroughput = z.object({
  part: z.string(),
  load: z.string().describe('How the orders were sent'),
  completion: z.string().describe('What counts as completed, and how it was seen'),
  warmup_orders: z.int().describe('Sent before, and in no figure but the peaks of memory'),
  segments: z.array(Segment),
  valid: z.boolean(),
  ledger: z.array(z.string()).describe('What does not balance; empty for a valid run'),
})
export type PartThroughput = z.infer<typeof PartThroughput>

/** `bench.json`. */
export const BenchResults = z.object({
  schema_version: z.literal(BENCH_SCHEMA_VERSION),
  bench: z.literal('throughput'),
  started_at: z.iso.datetime(),
  ended_at: z.iso.datetime(),
  environment: Environment,
  brokers: z.array(BrokerRecord),
  parts: z.array(PartThroughput),
})
export type BenchResults = z.infer<typeof BenchResults>
