import { openStore } from '@lab/kit/store.ts'
import { expect, onTestFinished, test } from 'vitest'
import { createInbox, INBOX_KEPT_MS, INBOX_SCHEMA } from './inbox.ts'

test('the inbox forgets by age, and only what is old', () => {
  const store = openStore('inbox', undefined, INBOX_SCHEMA)
  onTestFinished(() => void store.close())
  const inbox = createInbox(store)
  const now = Date.now()
  const message = (n: number) => ({ message_id: `m${n}`, order_id: `o${n}` })
  for (const n of [1, 2]) inbox.isNew(message(n), now - INBOX_KEPT_MS - 1)
  inbox.isNew(message(3), now - INBOX_KEPT_MS)

  expect(inbox.prune(now)).toBe(2)
  expect(inbox.prune(now)).toBe(0)
  expect(inbox.isNew(message(3), now)).toBe(false)
  expect(inbox.isNew(message(1), now)).toBe(true)
})
