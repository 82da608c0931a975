import { setTimeout as sleep } from 'node:timers/promises'
import { parseStock } from '@lab/common/domain/stock.ts'
import {
  allDecided,
  isReserved,
  notificationsOf,
  type Pipeline,
  place,
  stockOf,
} from '@lab/common/testing/pipeline.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { expect } from 'vitest'

export const STOCK = 'burger=1000000,pizza=1000000,salad=1000000'

/** Orders keep coming while a broker is away for ten seconds: at full speed that would be thousands. */
const BETWEEN_MS = 20

export interface Burst {
  /** Statuses of all answers so far. */
  statuses: number[]
  /** Waits until this many more orders have been accepted. */
  accepted: (more: number) => Promise<void>
  /** Ends the burst; the ids of every order that was answered 202. */
  stop: () => Promise<string[]>
}

/** Clients that order one after the other until they are stopped, some 50 orders a second each. Whoever is refused comes again. */
export function startBurst(pipeline: Pipeline, { clients = 8 } = {}): Burst {
  const ids: string[] = []
  const statuses: number[] = []
  let isStopped = false
  const client = async () => {
    while (!isStopped) {
      const answer = await place(pipeline, { item: 'burger', quantity: 1 }).catch(() => undefined)
      if (answer) statuses.push(answer.status)
      if (answer?.status === 202) ids.push(answer.json.order_id)
      await sleep(BETWEEN_MS) // faster, and the test would wait for the orders and not for the fault
    }
  }
  const running = Promise.all(Array.from({ length: clients }, client))
  return {
    statuses,
    accepted: async (more) => {
      const goal = ids.length + more
      await waitFor(`${goal} accepted orders`, () => ids.length >= goal, { timeoutMs: 60_000 })
    },
    stop: async () => {
      isStopped = true
      await running
      return ids
    },
  }
}

/** Every accepted order is there and reserved once, the stock adds up, and each is notified once. */
export async function expectAllReservedOnce(pipeline: Pipeline, accepted: string[]): Promise<void> {
  const orders = await allDecided(pipeline, 60_000)
  const reserved = new Set(orders.filter(isReserved).map(({ order_id }) => order_id))
  expect(reserved.size, 'no order is listed twice').toBe(orders.length)
  expect(
    accepted.filter((id) => !reserved.has(id)),
    'accepted orders that are lost',
  ).toEqual([])
  expect((await stockOf(pipeline)).burger).toBe(parseStock(STOCK).burger - reserved.size)

  const sent = await waitFor('every order to be notified', async () => {
    const sent = await notificationsOf(pipeline)
    return sent.length >= reserved.size && sent
  })
  expect(sent.map(({ order_id }) => order_id).sort()).toEqual([...reserved].sort())
}
