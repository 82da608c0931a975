import { expectSilentHarmless } from '@lab/common/testing/contract/doors.ts'
import { onTestFinished, test } from 'vitest'
import { openPipeline } from './pipeline.ts'

// The pipeline contract has half as many, for every part.
test('10,000 silent connections stop neither /health nor an order, and cost bounded memory', async () => {
  const pipeline = await openPipeline({})
  onTestFinished(() => pipeline.close())

  await expectSilentHarmless(pipeline, 10_000)
})
