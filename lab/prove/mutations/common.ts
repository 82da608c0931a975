import type { Mutation } from '../prove.ts'

/** What all parts rely on. */
export const commonMutations: Mutation[] = [
  {
    name: 'stock-negative',
    breaks: 'stock never goes below zero',
    file: 'common/domain/stock.ts',
    find: 'if (quantity > left) return',
    replace: 'if (quantity > left + 1) return',
    check: { test: 'common/domain/stock.property.test.ts' },
  },
  {
    name: 'status-backwards',
    breaks: 'a late message never undoes what was decided',
    file: 'common/domain/order.ts',
    find: 'return RANK[to] > RANK[from]',
    replace: 'return RANK[to] >= RANK[from]',
    check: { test: 'common/domain/order.property.test.ts' },
  },
  {
    name: 'key-names-no-order',
    breaks: 'the same Idempotency-Key is the same order',
    file: 'common/ids.ts',
    find: "derivedId('order', idempotencyKey)",
    replace: 'derivedId(randomUUID(), idempotencyKey)',
    check: { test: 'common/idempotency.test.ts' },
  },
  {
    name: 'listeners-pile-up',
    breaks: 'a consumer may wait for each of its batches for years, and takes no more memory',
    file: 'kit/bounded.ts',
    find: "signal?.removeEventListener('abort', giveUp)",
    replace: '',
    check: { test: 'kit/bounded.test.ts' },
  },
  {
    name: 'transaction-keeps-half',
    breaks: 'a transaction that fails stores nothing',
    file: 'kit/store.ts',
    find: "db.exec('ROLLBACK')",
    replace: "db.exec('COMMIT')",
    check: { test: 'kit/store.test.ts', title: 'stores nothing of a transaction that throws' },
  },
  {
    name: 'memory-slower-and-slower',
    breaks: 'what a store in memory has had makes no commit slower',
    file: 'kit/store.ts',
    find: "'file:store?vfs=memdb'",
    replace: "':memory:'",
    check: { test: 'kit/store.test.ts', title: 'commits in memory as fast after thousands of transactions' },
  },
  {
    name: 'refused-and-reset',
    breaks: 'who is refused while still sending gets the reason',
    file: 'kit/http.ts',
    find: 'if (!request.raw.complete) await drained(request.raw)',
    replace: '',
    check: { test: 'kit/door.int.test.ts', title: 'gets the reason, not a reset' },
  },
]
