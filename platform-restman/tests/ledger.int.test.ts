import { waitFor } from '@lab/kit/wait.ts'
import { afterAll, expect, test } from 'vitest'
import { killTogether, openLedger, shuffled } from './ledger.ts'

const ledger = await openLedger()
afterAll(() => ledger.close())

test('every order has one ticket, one bill and one row of the analytics, whatever is killed meanwhile', async () => {
  await ledger.during(async () => {
    const victims = shuffled(ledger.victims)
    for (let at = 0; at < victims.length; at += 3) await killTogether(victims.slice(at, at + 3))
    await waitFor('more than twenty orders', () => ledger.accepted.length > 20, { timeoutMs: 60_000 })
  })
  await ledger.settled('the ledger to balance')
})

test('topics that come twice more change no figure', async () => {
  await ledger.settled('the ledger to balance')
  const before = [await ledger.figures(), await ledger.stored()]
  await ledger.replay(2)
  await ledger.settled('the ledger to balance again')
  expect([await ledger.figures(), await ledger.stored()]).toEqual(before)
})
