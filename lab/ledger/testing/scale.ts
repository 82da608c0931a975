import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ITEMS } from '@lab/common/domain/order.ts'
import { derivedId } from '@lab/common/ids.ts'
import { checkHistoryFile } from '../check.ts'
import { createHistoryFile } from '../history-file.ts'
import type { Observed } from '../observed.ts'

// Checks a run of as many orders as told, from a history file and streams, in a process whose memory is its own.
// node lab/ledger/testing/scale.ts 1000000

const count = Number(process.argv[2])
const orders = function* () {
  for (let n = 0; n < count; n++) {
    const item = ITEMS[n % 3]!
    yield { n, order_id: derivedId('scale', String(n)), item, quantity: 1 }
  }
}

const folder = await mkdtemp(join(tmpdir(), 'ledger-'))
const path = join(folder, 'history.jsonl')
const history = await createHistoryFile(path)
for (const order of orders()) {
  history.write({
    ...order,
    outcome: 'ok',
    told: 'placed',
    status: 202,
    sent_ms: order.n,
    done_ms: order.n + 1.234,
  })
  // Lets the file be written: a real run has pauses between its orders.
  if (order.n % 10_000 === 0) await new Promise((resolve) => setImmediate(resolve))
}
await history.close()

const initial = { burger: count, pizza: count, salad: count }
const left = { ...initial }
for (const { item } of orders()) left[item]--
const observed: Observed = {
  orders: orders().map((order) => ({ ...order, status: 'reserved' as const })),
  decisions: orders().map(({ order_id }) => ({
    order_id,
    status: 'reserved' as const,
    event_id: `e-${order_id}`,
  })),
  notifications: orders(),
  stock: { initial, left },
}

const before = process.cpuUsage()
const { verdict, totals } = await checkHistoryFile(path, observed, {
  notifies: 'always',
  ordersPerKey: false,
})
const { user, system } = process.cpuUsage(before)
await rm(folder, { recursive: true })
const mebibytes = process.resourceUsage().maxRSS / 1_024
process.stdout.write(
  `${JSON.stringify({ verdict, intended: totals.intended, cpuMs: (user + system) / 1_000, mebibytes })}\n`,
)
