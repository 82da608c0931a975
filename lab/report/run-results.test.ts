import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newBase } from '@lab/stack/fixtures/lab.ts'
import { expect, onTestFinished, test } from 'vitest'
import { openSession } from '../session.ts'
import { experimentRecord } from '../testing/report-builders.ts'
import { startRunResults } from './run-results.ts'

test('a disk that fails loses no verdict: the document is answered, and the first error is kept', async () => {
  const { signal } = new AbortController()
  const session = await openSession({ env: {}, signal, progress: () => {}, base: newBase() })
  onTestFinished(() => session.close())
  const base = join(newBase(), 'results')
  const planned = ['rest-baseline', 'rest-delay']
  const recorder = await startRunResults({ session, profile: 'quick', planned, base })

  await recorder.add(experimentRecord())
  rmSync(base, { recursive: true })
  writeFileSync(base, 'a file in its place')
  await recorder.add(experimentRecord({ name: 'rest-delay' }))
  const results = await recorder.finish({ keepLogs: false })

  expect(results.experiments.map(({ name, verdict }) => [name, verdict])).toEqual([
    ['rest-baseline', 'holds'],
    ['rest-delay', 'holds'],
  ])
  expect(recorder.trouble()?.message).toMatch(
    /results\.json cannot be written: a folder in its path is a file/,
  )
})
