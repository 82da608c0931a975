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
const place = ({ url, count, connections }: Extract<LoadRequest, { kind: 'place' }>) =>
  closedRound(url, { connections, timeoutMs: PLACE_TIMEOUT_MS }, ({ post, note }) =>
    inParallel(count, connections, async (index) => {
      if (abort.signal.aborted) return
      try {
        const { status, answer } = await post('/order', bodyOf(index))
        const { order_id, status: told } = answer as { order_id?: string; status: OrderStatus }
        note(index, outcomeOf(status), { status, ...(order_id && { order_id, told }) })
      } catch {
        note(index, 'unknown') // refused, reset or too late: only the services know
      }
    }),
  )

const bulk = ({ url, count, chunk }: Extract<LoadRequest, { kind: 'bulk' }>) =>
  closedRound(url, { connections: 1, timeoutMs: BULK_TIMEOUT_MS }, async ({ post, note }) => {
    for (let sent = 0; sent < count && !abort.signal.aborted; sent += chunk) {
      const size = Math.min(chunk, count - sent)
      const { status, answer } = await post('/orders/bulk', JSON.stringify({ count: size, quantity: 1 }))
      const { accepted = 0, unknown = 0 } = answer as { accepted?: number; unknown?: number }
      // The items of a bulk take turns from its beginning; one that was broken off has taken the first of them.
      for (let at = 0; at < size; at++)
        note(at, at < accepted ? 'ok' : at < accepted + unknown ? 'unknown' : 'failed', { status })
    }
  })

const PROGRESS_MS = 250

interface Round {
  post: (path: string, body: string) => Promise<{ status: number; answer: unknown }>
  /** What became of one order. */
  note: (index: number, outcome: ClientOutcome, more?: Partial<HistoryRecord>) => void
}

async function closedRound(
  url: string,
  { connections, timeoutMs }: { connections: number; timeoutMs: number },
  send: (round: Round) => Promise<void>,
): Promise<LoadReport> {
  const timeouts = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs }
  const pool = new Pool(url, { connections, pipelining: 1, ...timeouts })
  const report: LoadReport = { statuses: {}, unknown: 0, accepted: 0, records: [], elapsedMs: 0 }
  const startedAt = performance.now()
  let spokenAt = startedAt
  await send({
    async post(path, body) {
      const headers = { 'content-type': 'application/json' }
      const response = await pool.request({ method: 'POST', path, headers, body })
      return { status: response.statusCode, answer: await response.body.json() }
    },
    note(index, outcome, more = {}) {
      const { status } = more
      report.records.push({ n: report.records.length, outcome, ...oneByOne(index), ...more })
      if (outcome === 'ok') report.accepted++
      if (outcome === 'unknown') report.unknown++
      // Of a bulk that was answered 202 those that were not taken have no status of their own.
      if (status !== undefined && (outcome === 'ok' || outcomeOf(status) !== 'ok'))
        report.statuses[status] = (report.statuses[status] ?? 0) + 1
      if (performance.now() - spokenAt < PROGRESS_MS) return
      spokenAt = performance.now()
      tell({ kind: 'progress', answered: report.records.length })
    },
  })
  report.elapsedMs = performance.now() - startedAt
  await pool.close()
  return report
}
