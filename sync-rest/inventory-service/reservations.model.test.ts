import { ITEMS, type Item } from '@lab/common/domain/order.ts'
import { decide, type Stock } from '@lab/common/domain/stock.ts'
import { derivedId } from '@lab/common/ids.ts'
import { asyncCommand } from '@lab/kit/testing/command.ts'
import { crashingStore } from '@lab/kit/testing/crashing-store.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createReservations, type Reservations, type ReserveCommand, SCHEMA } from './reservations.ts'

interface Row {
  item: Item | undefined
  quantity: number
  state: 'reserved' | 'failed' | 'released'
}
interface Model {
  left: Stock
  orders: Map<string, Row>
}
interface Real {
  reservations: Reservations
  crash: () => void
  /** Breaks the next transaction after its work and before its commit. */
  failNext: () => void
}

const INITIAL: Stock = { burger: 20, pizza: 10, salad: 5 }
const ids = Array.from({ length: 6 }, (_, n) => derivedId('order', String(n)))
const reserveCommand: fc.Arbitrary<ReserveCommand> = fc.record({
  order_id: fc.constantFrom(...ids),
  item: fc.constantFrom(...ITEMS),
  quantity: fc.constantFrom(1, 4, 7),
})

function modelReserve({ left, orders }: Model, { order_id, item, quantity }: ReserveCommand) {
  const row = orders.get(order_id)
  if (row?.item && (row.item !== item || row.quantity !== quantity))
    return { status: 'conflict', item: row.item, quantity: row.quantity, isRepeat: true }
  if (row?.state === 'reserved') return { status: 'reserved', isRepeat: true }
  if (row)
    return { status: 'failed', reason: row.state === 'failed' ? 'out_of_stock' : 'timeout', isRepeat: true }
  const decision = decide(left[item], { quantity })
  orders.set(order_id, { item, quantity, state: decision.status })
  if (decision.status === 'failed') return { status: 'failed', reason: 'out_of_stock', isRepeat: false }
  left[item] -= quantity
  return { status: 'reserved', isRepeat: false }
}

function modelRelease({ left, orders }: Model, order_id: string): boolean {
  const row = orders.get(order_id)
  const isHeld = row?.state === 'reserved'
  if (isHeld && row.item) left[row.item] += row.quantity
  if (!row) orders.set(order_id, { item: undefined, quantity: 0, state: 'released' })
  else if (isHeld) row.state = 'released'
  return isHeld
}

function agree({ left, orders }: Model, { reservations }: Real): void {
  expect(reservations.stock()).toEqual(left)
  for (const item of ITEMS) {
    const held = [...orders.values()].filter((row) => row.item === item && row.state === 'reserved')
    expect(left[item] + held.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(INITIAL[item])
    expect(left[item]).toBeGreaterThanOrEqual(0)
  }
}

const reserve = (calls: ReserveCommand[]) =>
  asyncCommand<Model, Real>(`reserve ${fc.stringify(calls)}`, async (model, real) => {
    const answers = await Promise.all(calls.map((call) => real.reservations.reserve(call)))
    expect(answers).toEqual(calls.map((call) => modelReserve(model, call)))
    agree(model, real)
  })

const release = (order_ids: string[]) =>
  asyncCommand<Model, Real>(`release ${order_ids}`, async (model, real) => {
    const answers = await Promise.all(order_ids.map((order_id) => real.reservations.release(order_id)))
    expect(answers).toEqual(order_ids.map((order_id) => modelRelease(model, order_id)))
    agree(model, real)
  })

const killAfterCommit = () =>
  asyncCommand<Model, Real>('a kill', async (model, real) => {
    real.crash()
    agree(model, real)
  })

const killBeforeCommit = (call: ReserveCommand) =>
  asyncCommand<Model, Real>(`a kill while ${call.order_id} is reserved`, async (model, real) => {
    real.failNext()
    await expect(real.reservations.reserve(call)).rejects.toThrow('killed')
    real.crash()
    agree(model, real)
  })

test('reservations agree with a tiny model, through repeats, conflicts, releases that come first and kills', async () => {
  const commands = fc.commands(
    [
      fc.array(reserveCommand, { minLength: 1, maxLength: 4 }).map(reserve),
      fc.array(reserveCommand, { minLength: 1, maxLength: 4 }).map(reserve),
      fc.array(fc.constantFrom(...ids), { minLength: 1, maxLength: 3 }).map(release),
      reserveCommand.map(killBeforeCommit),
      fc.constant(killAfterCommit()),
    ],
    { maxCommands: 30, size: 'max' },
  )
  await fc.assert(
    fc.asyncProperty(commands, async (commands) => {
      using file = crashingStore('inventory', SCHEMA)
      let isFailing = false
      const open = () => {
        const store = file.current()
        const transaction: typeof store.transaction = (work) =>
          store.transaction(() => {
            const result = work()
            if (isFailing) throw new Error('killed')
            return result
          })
        return createReservations({ ...store, transaction }, INITIAL)
      }
      const real: Real = {
        reservations: open(),
        crash: () => {
          isFailing = false
          file.crash()
          real.reservations = open()
        },
        failNext: () => {
          isFailing = true
        },
      }
      await fc.asyncModelRun(() => ({ model: { left: { ...INITIAL }, orders: new Map() }, real }), commands)
    }),
    { numRuns: 60 },
  )
})
