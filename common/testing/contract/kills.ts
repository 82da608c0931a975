import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '@lab/kit/wait.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ITEMS } from '../../domain/order.ts'
import { parseStock } from '../../domain/stock.ts'
import type { Features } from '../features.ts'
import {
  type Answer,
  allDecided,
  call,
  isReserved,
  notificationsOf,
  type Pipeline,
  place,
  type Service,
  stockOf,
} from '../pipeline.ts'

const STOCK = 'burger=100000,pizza=100000,salad=100000'
const BETWEEN_MS = 20
const roles = ['order', 'inventory', 'third'] as const

/**
 * What no part may lose when one of its services is killed, stopped or away while orders come in. It is one part that goes
 * through all of it: after each fault everything that it was ever given has to balance.
 */
export function killContract(
  features: Features,
  open: (options: { stock: string; durable: boolean }) => Promise<Pipeline>,
): void {
  describe(`the pipeline over ${features.style} under faults`, () => {
    let pipeline: Pipeline
    beforeAll(async () => {
      pipeline = await open({ stock: STOCK, durable: true })
    })
    afterAll(() => pipeline?.close())

    test.each(roles)('loses no acknowledged order when %s is killed and restarted', async (role) => {
      const burst = startBurst(pipeline)
      await burst.acknowledged(50)
      await pipeline[role].kill()
      await pipeline[role].start()
      await burst.acknowledged(100)
      await expectBalance(pipeline, features, await burst.stop())
    })

    test.each(roles)('loses no acknowledged order when %s is stopped by SIGTERM under load', async (role) => {
      const burst = startBurst(pipeline)
      await burst.acknowledged(50)
      const started = performance.now()
      const ended = await pipeline[role].stop()
      expect(performance.now() - started).toBeLessThan(10_000)
      expect(ended).toMatchObject({ code: 0 })
      await pipeline[role].start()
      await burst.acknowledged(50)
      await expectBalance(pipeline, features, await burst.stop())
    })

    test('says honestly what happens while inventory is away', async () => {
      await pipeline.inventory.stop()
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => place(pipeline, { item: 'burger', quantity: 1 })),
      )

      expect(new Set(answers.map(({ status }) => status))).toEqual(
        new Set([features.acceptsWhileInventoryIsAway ? 202 : 503]),
      )
      await pipeline.inventory.start()
      const placed = new Set(answers.map(({ json }) => json.order_id))
      const orders = (await allDecided(pipeline)).filter(({ order_id }) => placed.has(order_id))
      expect(orders).toHaveLength(20)
      expect(orders.filter(isReserved)).toHaveLength(features.acceptsWhileInventoryIsAway ? 20 : 0)
      await expectBalance(pipeline, features, answers)
    })
  })
}

interface Burst {
  /** Waits until this many more orders have been acknowledged. */
  acknowledged: (count: number) => Promise<void>
  /** Ends the burst and gives back every answer; a request without an answer is none: its outcome is unknown. */
  stop: () => Promise<Answer[]>
}

/** Eight clients that order one after the other, until stopped; some 400 orders a second. Whoever is refused comes again. */
function startBurst(pipeline: Pipeline): Burst {
  const answers: Answer[] = []
  let isStopped = false
  const client = async (n: number) => {
    for (let i = n; !isStopped; i++) {
      const command = { item: ITEMS[i % ITEMS.length] ?? 'burger', quantity: (i % 3) + 1 }
      const answer = await place(pipeline, command).catch(() => undefined)
      if (answer) answers.push(answer)
      await sleep(BETWEEN_MS) // faster, and the test would wait for the orders and not for the fault
    }
  }
  const clients = Promise.all(Array.from({ length: 8 }, (_, n) => client(n)))
  const count = () => answers.filter(isAcknowledged).length

  return {
    acknowledged: async (more) => {
      const goal = count() + more
      await waitFor(`${goal} acknowledged orders`, () => count() >= goal, { timeoutMs: 40_000 })
    },
    stop: async () => {
      isStopped = true
      await clients
      return answers
    },
  }
}

const isAcknowledged = ({ status }: Answer) => status === 201 || status === 202

async function expectBalance(pipeline: Pipeline, features: Features, answers: Answer[]): Promise<void> {
  await settled(pipeline.order)
  const orders = await allDecided(pipeline)
  const byId = new Map(orders.map((order) => [order.order_id, order]))
  expect(byId.size, 'each order is listed once').toBe(orders.length)

  const acknowledged = answers.filter(isAcknowledged).map(({ json }) => json.order_id as string)
  expect(
    acknowledged.filter((id) => !byId.has(id)),
    'acknowledged orders that are lost',
  ).toEqual([])
  const reserved = orders.filter(isReserved)
  const left = parseStock(STOCK)
  for (const { item, quantity } of reserved) left[item] -= quantity
  await waitFor('stock left + reserved to equal the initial stock', async () => {
    const stock = await stockOf(pipeline)
    if (ITEMS.every((item) => stock[item] === left[item])) return true
    throw new Error(`left ${JSON.stringify(stock)}, expected ${JSON.stringify(left)}`)
  })
  if (features.answersWithOutcome) {
    expect(
      acknowledged.filter((id) => !isReserved(byId.get(id)!)),
      'orders answered 201 that are not reserved',
    ).toEqual([])
  }
  if (features.notifies !== 'always') return
  await waitFor(
    'every reserved order to be notified',
    async () => (await notificationsOf(pipeline)).length >= reserved.length,
  )
  const sent = (await notificationsOf(pipeline)).map(({ order_id }) => order_id)
  expect(sent.sort(), 'each reserved order is notified once').toEqual(
    reserved.map(({ order_id }) => order_id).sort(),
  )
}

/** Part A settles unknown outcomes in the background; the others have nothing to settle. */
const settled = (order: Service) =>
  waitFor(
    'unknown outcomes to be settled',
    async () => {
      const { unsettled = 0 } = (await call('GET', `${order.url}/health`)).json
      if (unsettled > 0) throw new Error(`${unsettled} are not settled`)
      return true
    },
    { timeoutMs: 30_000 },
  )
