import { ITEMS } from '@lab/common/domain/order.ts'
import { messageOf } from '@lab/kit/errors.ts'
import { Pool } from 'undici'
import type { LoadMessage, LoadReport, LoadRequest } from './load-protocol.ts'

/**
 * The load generator, in a process of its own so that it takes no time from the one that measures. Started by
 * `load-process.ts`; it does the rounds it is sent and ends when its parent goes away.
 */
const PROGRESS_MS = 250
const PLACE_TIMEOUT_MS = 30_000
const BULK_TIMEOUT_MS = 120_000

const send = (message: LoadMessage) => process.send?.(message)

process.on('message', (request: LoadRequest) => {
  const round = request.kind === 'place' ? place(request) : bulk(request)
  round.then(send, (err: unknown) => send({ kind: 'failed', message: messageOf(err) }))
})
// Without a parent nobody waits for the rest.
let isOrphan = false
process.on('disconnect', () => {
  isOrphan = true
})
send({ kind: 'ready' })

/** One loop for each connection: pipelining would let one answer wait for another. */
async function place({
  url,
  count,
  connections,
}: Extract<LoadRequest, { kind: 'place' }>): Promise<LoadReport> {
  const pool = openPool(url, connections, PLACE_TIMEOUT_MS)
  const round = startRound()
  const bodies = ITEMS.map((item) => JSON.stringify({ item, quantity: 1 }))
  let next = 0
  const loop = async () => {
    while (next < count && !isOrphan) {
      const body = bodies[next++ % bodies.length]!
      try {
        const { status, answer } = await post(pool, '/order', body)
        round.answered(status, 1, (answer as { order_id?: string }).order_id)
      } catch {
        round.report.unknown++ // refused, reset or too late: only the services know
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(connections, count) }, loop))
  await pool.close()
  return round.end()
}

async function bulk({ url, count, chunk }: Extract<LoadRequest, { kind: 'bulk' }>): Promise<LoadReport> {
  const pool = openPool(url, 1, BULK_TIMEOUT_MS)
  const round = startRound()
  for (let sent = 0; sent < count && !isOrphan; sent += chunk) {
    const size = Math.min(chunk, count - sent)
    const { status, answer } = await post(pool, '/orders/bulk', JSON.stringify({ count: size, quantity: 1 }))
    const { accepted = 0, unknown = 0 } = answer as { accepted?: number; unknown?: number }
    round.answered(status, status === 202 ? accepted : size)
    round.report.unknown += unknown
  }
  await pool.close()
  return round.end()
}

function openPool(url: string, connections: number, timeoutMs: number): Pool {
  return new Pool(url, { connections, pipelining: 1, headersTimeout: timeoutMs, bodyTimeout: timeoutMs })
}

async function post(pool: Pool, path: string, body: string): Promise<{ status: number; answer: unknown }> {
  const headers = { 'content-type': 'application/json' }
  const response = await pool.request({ method: 'POST', path, headers, body })
  return { status: response.statusCode, answer: await response.body.json() }
}

function startRound() {
  const startedAt = performance.now()
  const report: LoadReport = {
    kind: 'report',
    statuses: {},
    unknown: 0,
    accepted: 0,
    order_ids: [],
    elapsedMs: 0,
  }
  let answers = 0
  let spokenAt = startedAt
  return {
    report,
    answered(status: number, orders: number, order_id?: string) {
      report.statuses[status] = (report.statuses[status] ?? 0) + orders
      if (status >= 200 && status < 300) report.accepted += orders
      if (order_id !== undefined) report.order_ids.push(order_id)
      answers += orders
      const now = performance.now()
      if (now - spokenAt < PROGRESS_MS) return
      spokenAt = now
      send({ kind: 'progress', answered: answers })
    },
    end: () => ({ ...report, elapsedMs: performance.now() - startedAt }),
  }
}
