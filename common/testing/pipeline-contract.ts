import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseStock } from '../domain/stock.ts'
import { badInputContract } from './contract/bad-input.ts'
import { doorsContract } from './contract/doors.ts'
import { killContract } from './contract/kills.ts'
import { ordersContract } from './contract/orders.ts'
import { repeatsContract } from './contract/repeats.ts'
import { servicesContract } from './contract/services.ts'
import type { Features } from './features.ts'
import { allDecided, isReserved, type Pipeline, stockOf } from './pipeline.ts'

export type { Pipeline, Service } from './pipeline.ts'
export type Open = (options: { stock?: string; durable?: boolean }) => Promise<Pipeline>

const STOCK = 'burger=500,pizza=10,salad=100'

/**
 * What every part promises, whatever its transport: the same suite, unchanged, against all of them. Where a transport
 * cannot, `features` says so and the suite asks for what it can do instead.
 */
export function pipelineContract(features: Features, open: Open): void {
  describe(`the pipeline over ${features.style}`, () => {
    let opened: Pipeline
    const pipeline = () => opened
    beforeAll(async () => {
      opened = await open({ stock: STOCK })
    })
    afterAll(() => opened?.close())

    ordersContract(features, pipeline)
    repeatsContract(features, pipeline)
    badInputContract(features, pipeline)
    servicesContract(pipeline)
    doorsContract(pipeline)

    test('stock and orders balance after all of the above', async () => {
      const orders = await allDecided(opened)
      const expected = parseStock(STOCK)
      for (const { item, quantity } of orders.filter(isReserved)) expected[item] -= quantity
      expect(await stockOf(opened)).toEqual(expected)
    })
  })

  killContract(features, open)
}
