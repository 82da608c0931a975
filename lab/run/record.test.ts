import { newBase } from '@lab/stack/fixtures/lab.ts'
import { expect, test } from 'vitest'
import { type Chart, defineExperiment, type Outcome } from '../experiments/experiment.ts'
import { check } from '../testing/report-builders.ts'
import { recordExperiment } from './record.ts'
import { openSession } from './session.ts'

const points = (...pairs: unknown[]): Partial<Outcome> => ({
  charts: [chartOf({ series: [{ name: 'answered', n: 1, points: pairs as [number, number][] }] })],
})

test.each([
  ['a point of NaN', points([0, 1], [1, Number.NaN]), '1 is NaN'],
  ['an infinite mark', { charts: [chartOf({ marks: [{ x: Infinity, label: 'never' }] })] }, 'x is Infinity'],
  ['a figure of NaN', { data: { rounds: [{ p50_us: Number.NaN }] } }, 'p50_us is NaN'],
  ['half a point', points([1]), 'charts[0].series[0].points[0]'],
  ['what JSON cannot hold', { data: { count: 3n } }, 'BigInt'],
] satisfies [string, Partial<Outcome>, string][])(
  'an experiment that answers %s is an error that names it, and no end of the run',
  async (_, outcome, reason) => {
    const record = await recordOf(outcome)

    expect(record).toMatchObject({ verdict: 'error', checks: [], tables: [], data: {} })
    expect(record.error).toContain(`what it answered cannot be written down: `)
    expect(record.error).toContain(reason)
  },
)

test('an experiment whose answer can be written down keeps its verdict', async () => {
  expect(await recordOf({ data: { missing: undefined } })).toMatchObject({ verdict: 'holds', data: {} })
})

async function recordOf(outcome: Partial<Outcome>) {
  const experiment = defineExperiment({
    name: 'rest-baseline',
    part: 'sync-rest',
    question: '?',
    profiles: { quick: {}, default: {}, full: {} },
    run: async () => ({ checks: [check('every order is answered 201')], tables: [], data: {}, ...outcome }),
  })
  const progress = () => {}
  const { signal } = new AbortController()
  const session = await openSession({ env: {}, signal, progress, base: newBase() })
  try {
    return await recordExperiment({ experiment, profile: 'quick', session, progress })
  } finally {
    await session.close()
  }
}

function chartOf(overrides: Partial<Chart>): Chart {
  const axis = { label: 'Time', unit: 's', scale: 'linear' } as const
  return { title: 'Over time', x: axis, y: axis, series: [], ...overrides }
}
