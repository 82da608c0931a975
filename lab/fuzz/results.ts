import { z } from 'zod'
import { BrokerRecord, Environment } from '../run/schema.ts'
import { TargetResult } from './finding.ts'

export const FUZZ_SCHEMA_VERSION = 1

export const PartFuzzed = z.object({
  part: z.string(),
  seconds: z.number(),
  targets: z.array(TargetResult),
})
export type PartFuzzed = z.infer<typeof PartFuzzed>

/** `fuzz.json`. */
export const FuzzResults = z.object({
  schema_version: z.literal(FUZZ_SCHEMA_VERSION),
  bench: z.literal('fuzz'),
  seed: z.int().describe('Makes the same cases again'),
  cases: z.int().describe('Of each route and each consumer'),
  started_at: z.iso.datetime(),
  ended_at: z.iso.datetime(),
  environment: Environment,
  brokers: z.array(BrokerRecord),
  parts: z.array(PartFuzzed),
})
export type FuzzResults = z.infer<typeof FuzzResults>

export const findingsOf = ({ targets }: PartFuzzed) => targets.flatMap(({ findings }) => findings)

export const casesOf = ({ targets }: PartFuzzed): number => targets.reduce((sum, { cases }) => sum + cases, 0)
