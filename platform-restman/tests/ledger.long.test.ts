import { waitFor } from '@lab/kit/wait.ts'
import { expect, onTestFinished, test } from 'vitest'
import { killTogether, openLedger, shuffled } from './ledger.ts'

const ROUNDS = 20
const ORDERS_BETWEEN = 25
const LIMIT_MS = 20 * 60_000

test(
  'the ledger balances after many rounds of kills, and after every topic came twice more',
  async () => {
    const ledger = await openLedger()
    onTestFinished(() => ledger.close())
    await ledger.during(async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const wanted = ledger.accepted.length + Math.ceil(Math.random() * ORDERS_BETWEEN)
        await waitFor('more orders', () => ledger.accepted.length >= wanted, { timeoutMs: 60_000 })
        await killTogether(shuffled(ledger.victims).slice(0, 1 + Math.floor(Math.random() * 5)))
      }
    })
    await ledger.settled('the ledger to balance')

    const before = [await ledger.figures(), await ledger.stored()]
    await ledger.replay(2)
    await ledger.settled('the ledger to balance again')
    expect([await ledger.figures(), await ledger.stored()]).toEqual(before)
  },
  LIMIT_MS,
)
