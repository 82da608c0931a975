import { test } from 'vitest'
import { runForTest } from '../testing/run-experiment.ts'
import { compareDuplicates } from './compare-duplicates.ts'
import { compareOutage } from './compare-outage.ts'
import type { Experiment } from './experiment.ts'

/** The quick profile with other parameters: here the checks matter, not the figures. */
const shorter = <Params extends Record<string, unknown>>(
  experiment: Experiment<Params>,
  params: Partial<Params>,
): Experiment<Params> => ({
  ...experiment,
  profiles: { ...experiment.profiles, quick: { ...experiment.profiles.quick, ...params } },
})

test('compare-duplicates: moves stock once for what is sent or delivered more than once', ({ signal }) =>
  runForTest(compareDuplicates, 'quick', signal))

test('compare-outage: loses nothing in any style when inventory crashes under load', ({ signal }) =>
  runForTest(shorter(compareOutage, { outageSeconds: 1, afterSeconds: 1 }), 'quick', signal))
