import { expect, onTestFinished, test } from 'vitest'
import { expectAllReservedOnce, STOCK, startBurst } from './burst.ts'
import { openPipeline } from './pipeline.ts'

const ROUNDS = 4

// Once is in the pipeline contract, which every part has to pass.
test('services killed again and again in the middle of a burst lose nothing and do nothing twice', async () => {
  const pipeline = await openPipeline({ stock: STOCK, durable: true })
  onTestFinished(() => pipeline.close())
  const { order, inventory, third } = pipeline
  const burst = startBurst(pipeline, { clients: 16 })
  for (let round = 0; round < ROUNDS; round++) {
    for (const service of [inventory, order, inventory, third]) {
      await burst.accepted(150)
      await service.kill()
      await service.start()
    }
  }
  await burst.accepted(150)
  const accepted = await burst.stop()

  expect(accepted.length).toBeGreaterThan(ROUNDS * 4 * 150)
  await expectAllReservedOnce(pipeline, accepted)
})
