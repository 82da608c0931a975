import { randomUUID } from 'node:crypto'
import { ITEMS, type Item } from '@lab/common/domain/order.ts'
import { LabError, messageOf } from '@lab/kit/errors.ts'
import { Agent, request } from 'undici'
import { z } from 'zod'
import type { Placed, Placing } from '../../wire/flow.ts'
import type { LaneSource } from './lanes.ts'
import { openSender, poison, type Sender } from './messages.ts'

const TICK_MS = 20
const CALL_MS = 15_000
const MAX_AT_ONCE = 500

const share = z.number().min(0).max(1).default(0)

export const PlaceOrders = z.strictObject({
  lanes: z.array(z.string()).min(1).max(8),
  count: z.int().min(1).max(100_000).default(1).describe('Orders in each lane'),
  rate: z.number().min(0.1).max(2_000).default(10).describe('Orders a second in each lane'),
  mix: z
    .strictObject({ burger: z.number().min(0), pizza: z.number().min(0), salad: z.number().min(0) })
    .refine((mix) => ITEMS.some((item) => mix[item] > 0), { error: 'needs one item above 0' })
    .default({ burger: 1, pizza: 1, salad: 1 })
    .describe('Weights of the items'),
  quantity: z.int().min(1).max(10_000).default(1),
  duplicates: share.describe('Of the orders, how many are sent twice under one Idempotency-Key'),
  malformed: share.describe('How many are malformed: refused over HTTP, and a poison message to a broker'),
})
export type PlaceOrders = z.infer<typeof PlaceOrders>

interface Run {
  stop: AbortController
  ended: Promise<void>
}

export interface PlacerDeps {
  lanes: readonly LaneSource[]
  publish: (placing: Placing) => void
}

/** Places orders at a rate, in any number of lanes at once: sent when they are due, whatever the answers take. */
export function createPlacer({ lanes, publish }: PlacerDeps) {
  const agent = new Agent({ connections: 64, pipelining: 1 })
  const runs = new Map<string, Run>()

  const start = (wanted: PlaceOrders): Placing => {
    const chosen = wanted.lanes.map((name) => {
      const lane = lanes.find((one) => one.name === name)
      if (!lane) throw new LabError('LAB_REQUEST_INVALID', `lanes: there is no lane '${name}' here`)
      return { lane, placed: emptyOf(name) }
    })
    const placing: Placing = {
      id: randomUUID(),
      wanted: wanted.count,
      isDone: false,
      lanes: chosen.map(({ placed }) => placed),
    }
    const stop = new AbortController()
    const said = (text: string) => {
      placing.said = text
    }
    const work = chosen.map(({ lane, placed }) =>
      placeIn(lane, placed, { wanted, agent, signal: stop.signal, said }),
    )
    const report = setInterval(() => publish(placing), 250)
    const ended = Promise.all(work)
      .then(() => {})
      .catch((err: unknown) => said(messageOf(err)))
      .finally(() => {
        clearInterval(report)
        placing.isDone = true
        publish(placing)
        runs.delete(placing.id)
      })
    runs.set(placing.id, { stop, ended })
    return placing
  }

  return {
    start,
    stop: (id: string): boolean => {
      runs.get(id)?.stop.abort()
      return runs.has(id)
    },
    close: async () => {
      for (const { stop } of runs.values()) stop.abort()
      await Promise.all([...runs.values()].map(({ ended }) => ended))
      await agent.close()
    },
  }
}

const emptyOf = (lane: string): Placed => ({
  lane,
  sent: 0,
  accepted: 0,
  repeated: 0,
  malformed: 0,
  refused: 0,
  unknown: 0,
})

interface Placement {
  wanted: PlaceOrders
  agent: Agent
  signal: AbortSignal
  said: (text: string) => void
}

async function placeIn(lane: LaneSource, placed: Placed, placement: Placement): Promise<void> {
  const { wanted, signal } = placement
  const sender = wanted.malformed > 0 ? await openSender(lane) : undefined
  const waiting = new Set<Promise<void>>()
  const begun = performance.now()
  try {
    while (placed.sent < wanted.count && !signal.aborted) {
      const due = Math.min(wanted.count, 1 + Math.floor(((performance.now() - begun) * wanted.rate) / 1_000))
      while (placed.sent < due && waiting.size < MAX_AT_ONCE) {
        placed.sent++
        const one = placeOne({ lane, placed, sender }, placement).finally(() => waiting.delete(one))
        waiting.add(one)
      }
      await new Promise((resolve) => setTimeout(resolve, TICK_MS))
    }
    await Promise.all(waiting)
  } finally {
    await sender?.close()
  }
}

interface Target {
  lane: LaneSource
  placed: Placed
  sender: Sender | undefined
}

async function placeOne({ lane, placed, sender }: Target, { wanted, agent, said }: Placement): Promise<void> {
  const item = pick(wanted.mix)
  try {
    if (Math.random() < wanted.malformed) {
      placed.malformed++
      if (sender) return await sender.send(poison(item))
      const { status, text } = await post(agent, lane, { item, quantity: 'two' })
      if (status !== 400) said(`a malformed order was answered ${status}: ${text}`)
      return
    }
    const isTwice = Math.random() < wanted.duplicates
    const key = isTwice ? randomUUID() : undefined
    const body = { item, quantity: wanted.quantity }
    count(placed, await post(agent, lane, body, key), said)
    if (key) count(placed, await post(agent, lane, body, key), said)
  } catch (err) {
    placed.unknown++
    said(messageOf(err))
  }
}

interface Answer {
  status: number
  isRepeat: boolean
  text: string
}

/** An order that was decided against is an answer like any other: the outcome of an order is no failure of the request. */
function count(placed: Placed, { status, isRepeat, text }: Answer, said: Placement['said']): void {
  if (isRepeat) placed.repeated++
  else if (status === 201 || status === 202 || status === 422) placed.accepted++
  else if (status >= 500) placed.unknown++
  else placed.refused++
  if (status >= 400 && status !== 422) said(`${status}: ${text}`)
}

async function post(agent: Agent, { urls }: LaneSource, body: unknown, key?: string): Promise<Answer> {
  const {
    statusCode,
    headers,
    body: answer,
  } = await request(`${urls.intake}/order`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) },
    body: JSON.stringify(body),
    dispatcher: agent,
    signal: AbortSignal.timeout(CALL_MS),
  })
  const text = await answer.text()
  return {
    status: statusCode,
    isRepeat: headers['idempotency-replayed'] === 'true',
    text: text.slice(0, 200),
  }
}

function pick(mix: Record<Item, number>): Item {
  const total = ITEMS.reduce((sum, item) => sum + mix[item], 0)
  let left = Math.random() * total
  for (const item of ITEMS) {
    left -= mix[item]
    if (left < 0) return item
  }
  return ITEMS[0]
}
