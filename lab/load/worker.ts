import type { OrderStatus } from '@lab/common/domain/order.ts'
import { messageOf } from '@lab/kit/errors.ts'
import { Pool } from 'undici'
import { type ClientOutcome, createHistoryFile, type HistoryRecord } from '../ledger/history.ts'
import { bodyOf, inParallel, oneByOne } from './closed-loop.ts'
import { outcomeOf } from './exchange.ts'
import { generate, type OpenLoopOptions } from './open-loop.ts'
import type { FromWorker, LoadReport, LoadRequest, ToWorker } from './process.ts'
import type { OpenLoopResult } from './result.ts'

/** When the parent is gone there is nobody to report to; a run that does not end by itself then is ended. */
const LAST_GRACE_MS = 2_000

const abort = new AbortController()
const tell = (message: FromWorker) => {
  // A parent that died while we wrote is met by 'disconnect'.
  if (process.connected) process.send?.(message, undefined, undefined, () => {})
}

process.on('message', (message: ToWorker) => {
  if (message.kind === 'abort') return abort.abort()
  load(message).then(
    (result) => tell({ kind: 'result', result }),
    (err: unknown) => tell({ kind: 'error', message: messageOf(err) }),
  )
})
process.once('disconnect', () => {
  abort.abort()
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_GRACE_MS).unref()
})
// Ctrl-C and a hang-up reach the whole group of the terminal; the parent decides what it means for this run.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})

function load(request: LoadRequest): Promise<OpenLoopResult | LoadReport> {
  if (request.kind === 'open') return openLoop(request.options)
  return request.kind === 'place' ? place(request) : bulk(request)
}

async function openLoop(options: OpenLoopOptions) {
  const history = options.historyFile === undefined ? undefined : await createHistoryFile(options.historyFile)
  return generate(options, {
    signal: abort.signal,
    onSnapshot: (snapshot) => tell({ kind: 'snapshot', snapshot }),
    ...(history && { onRecord: history.write }),
  }).finally(() => history?.close())
}

const PLACE_TIMEOUT_MS = 30_000
const BULK_TIMEOUT_MS = 120_000

/** One loop for each connection: pipelining would let one answer wait for another. */
async function place({
  url,
  count,
  connections,
}: Extract<LoadRequest, { kind: 'place' }>): Promise<LoadReport> {
  const round = openRound(url, connections, PLACE_TIMEOUT_MS)
  await inParallel(count, connections, async (index) => {
    if (abort.signal.aborted) return
    try {
      const { status, answer } = await round.post('/order', bodyOf(index))
      const { order_id, status: told } = answer as { order_id?: string; status: OrderStatus }
      round.note(index, outcomeOf(status), { status, ...(order_id && { order_id, told }) })
      round.answered(status, 1)
    } catch {
      round.note(index, 'unknown') // refused, reset or too late: only the services know
    }
  })
  return round.end()
}

async function bulk({ url, count, chunk }: Extract<LoadRequest, { kind: 'bulk' }>): Promise<LoadReport> {
  const round = openRound(url, 1, BULK_TIMEOUT_MS)
  for (let sent = 0; sent < count && !abort.signal.aborted; sent += chunk) {
    const size = Math.min(chunk, count - sent)
    const { status, answer } = await round.post('/orders/bulk', JSON.stringify({ count: size, quantity: 1 }))
    const { accepted = 0, unknown = 0 } = answer as { accepted?: number; unknown?: number }
    // The items of a bulk take turns from its beginning; one that was broken off has taken the first of them.
    for (let at = 0; at < size; at++)
      round.note(at, at < accepted ? 'ok' : at < accepted + unknown ? 'unknown' : 'failed', { status })
    round.answered(status, status === 202 ? accepted : size)
  }
  return round.end()
}

const PROGRESS_MS = 250

function openRound(url: string, connections: number, timeoutMs: number) {
  const pool = new Pool(url, {
    connections,
    pipelining: 1,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  })
  const report: LoadReport = { statuses: {}, unknown: 0, accepted: 0, records: [], elapsedMs: 0 }
  const startedAt = performance.now()
  let answers = 0
  let spokenAt = startedAt
  return {
    async post(path: string, body: string): Promise<{ status: number; answer: unknown }> {
      const headers = { 'content-type': 'application/json' }
      const response = await pool.request({ method: 'POST', path, headers, body })
      return { status: response.statusCode, answer: await response.body.json() }
    },
    note(index: number, outcome: ClientOutcome, more: Partial<HistoryRecord> = {}) {
      report.records.push({ n: report.records.length, outcome, ...oneByOne(index), ...more })
      if (outcome === 'unknown') report.unknown++
    },
    answered(status: number, orders: number) {
      report.statuses[status] = (report.statuses[status] ?? 0) + orders
      if (status >= 200 && status < 300) report.accepted += orders
      answers += orders
      if (performance.now() - spokenAt < PROGRESS_MS) return
      spokenAt = performance.now()
      tell({ kind: 'progress', answered: answers })
    },
    async end(): Promise<LoadReport> {
      report.elapsedMs = performance.now() - startedAt
      await pool.close()
      return report
    },
  }
}
