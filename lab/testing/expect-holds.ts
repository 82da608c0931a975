import { expect } from 'vitest'
import type { Outcome } from '../experiments/experiment.ts'

/** Expects each check of an experiment to hold; one that does not says what was seen. */
export function expectHolds({ checks }: Pick<Outcome, 'checks'>): void {
  expect(checks).not.toEqual([])
  for (const { name, holds, detail } of checks) expect.soft(holds, `${name}: ${detail}`).toBe(true)
}
