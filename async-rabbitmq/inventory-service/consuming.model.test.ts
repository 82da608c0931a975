import type { InventoryEvent, OrderPlaced } from '@lab/common/domain/events.ts'
import { ITEMS, type Order } from '@lab/common/domain/order.ts'
import { decide } from '@lab/common/domain/stock.ts'
import { derivedId, newMessageId } from '@lab/common/ids.ts'
import { anOrder, anOrderPlaced } from '@lab/common/testing/builders.ts'
import { asyncCommand } from '@lab/kit/testing/command.ts'
import { crashingStore } from '@lab/kit/testing/crashing-store.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEATHS, type Death, INITIAL, LADDER, Process, STORE } from './testing/process.ts'
import type { Queued } from './testing/queue.ts'

const orders: Order[] = ITEMS.flatMap((item, n) =>
  [1, 4, 6].map((quantity) =>
    anOrder({ item, quantity, order_id: derivedId(`order ${quantity}`, String(n)) }),
  ),
)

/** Everything that was ever published to `inventory_queue`; poison names no order. */
type Model = Map<string, Order | undefined>

const messageOf = (event: OrderPlaced): Queued => ({
  id: event.id,
  body: Buffer.from(JSON.stringify(event)),
  headers: {},
})

const publish = (order: Order, isNewMessage: boolean) =>
  asyncCommand<Model, Process>(
    `${isNewMessage ? 'announce again' : 'announce'} ${order.order_id}`,
    async (model, real) => {
      const event = anOrderPlaced(order, isNewMessage ? { id: newMessageId() } : {})
      model.set(event.id, order)
      real.queue.ready.push(messageOf(event))
      await agree(model, real)
    },
  )

const poison = () =>
  asyncCommand<Model, Process>('poison', async (model, real) => {
    const id = newMessageId()
    model.set(id, undefined)
    real.queue.ready.push({ id, body: Buffer.from('poison'), headers: {} })
    await agree(model, real)
  })

const work = (batch: number) =>
  asyncCommand<Model, Process>(`work in batches of ${batch}`, async (model, real) => {
    await real.work(batch)
    await agree(model, real)
  })

const die = (death: Death, batch: number) =>
  asyncCommand<Model, Process>(`a kill ${death} of up to ${batch}`, async (model, real) => {
    await real.dieWhileWorking(death, batch)
    await agree(model, real)
  })

const cut = () =>
  asyncCommand<Model, Process>('the connection is cut', async (model, real) => {
    real.cut()
    await agree(model, real)
  })

const fail = (enabled: boolean) =>
  asyncCommand<Model, Process>(`failing is ${enabled ? 'on' : 'off'}`, async (_, real) => {
    real.faults.setFail(enabled)
  })

const expire = () =>
  asyncCommand<Model, Process>('the retry queues give back', async (model, real) => {
    real.queue.expire()
    await agree(model, real)
  })

/** Nothing is gone: each message waits, is a dead letter, or its order is decided. And the books are right. */
async function agree(model: Model, { queue, announced, left }: Process): Promise<void> {
  const events = announced()
  const decided = new Set(events.map(({ subject }) => subject))
  const there = new Set([...queue.ready, ...queue.waiting, ...queue.dead].map(({ id }) => id))
  for (const [id, order] of model)
    expect([id, there.has(id) || (order !== undefined && decided.has(order.order_id))]).toEqual([id, true])
  for (const { headers } of queue.waiting)
    expect(headers['x-attempts'] as number).toBeLessThanOrEqual(LADDER.retries)

  expect(decided.size).toBe(events.length)
  expect(left()).toEqual(replay(events))
}

/** The stock after these decisions, each of which has to be the one that stock asks for. */
function replay(events: InventoryEvent[]) {
  const left = { ...INITIAL }
  for (const { data } of events) {
    const decision = decide(left[data.item], data)
    expect(data.status).toBe(decision.status)
    if (decision.status === 'reserved') left[data.item] = decision.left
  }
  return left
}

/** With everything well again, poison is a dead letter, and every order is decided or given up with its reason. */
async function drainsInTheEnd(model: Model, real: Process): Promise<void> {
  real.faults.clear()
  for (let round = 0; round <= LADDER.retries + 1; round++) {
    real.queue.expire()
    await real.work(10)
  }
  await agree(model, real)
  expect([real.queue.ready, real.queue.waiting]).toEqual([[], []])
  const dead = new Map(real.queue.dead.map(({ id, headers }) => [id, String(headers['x-reason'])]))
  const decided = new Set(real.announced().map(({ subject }) => subject))
  for (const [id, order] of model) {
    if (!order) expect(dead.get(id)).toContain('malformed')
    else if (!decided.has(order.order_id)) expect(dead.get(id)).toContain('gave up after')
  }
}

test('inventory loses, doubles and forgets nothing, whatever is redelivered, poisoned, cut off or killed', async () => {
  const batch = fc.integer({ min: 1, max: 5 })
  const order = fc.constantFrom(...orders)
  const announce = fc.tuple(order, fc.constantFrom(false, false, true)).map((args) => publish(...args))
  const commands = fc.commands(
    [
      announce,
      announce,
      announce,
      fc.constant(poison()),
      batch.map(work),
      fc.tuple(fc.constantFrom(...DEATHS), batch).map((args) => die(...args)),
      fc.tuple(fc.constantFrom(...DEATHS), batch).map((args) => die(...args)),
      fc.constant(cut()),
      fc.constant(expire()),
      fc.constantFrom(true, false).map(fail),
    ],
    { maxCommands: 40, size: 'max' },
  )
  await fc.assert(
    fc.asyncProperty(commands, async (commands) => {
      using real = new Process(crashingStore(...STORE))
      const model: Model = new Map()
      await fc.asyncModelRun(() => ({ model, real }), commands)
      await drainsInTheEnd(model, real)
    }),
    { numRuns: 60 },
  )
})
