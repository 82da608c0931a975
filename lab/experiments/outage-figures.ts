import { isReserved } from '../ledger/status.ts'
import type { PartOutage, Traced } from './outage-run.ts'

export interface Answers {
  sent: number
  ok: number
  rejected: number
  failed: number
  unknown: number
  /** HTTP statuses, `none` where there was no answer. */
  statuses: Record<string, number>
}

/** The figures of one part's outage; `null` where something did not happen. */
export interface OutageFigures {
  before: Answers
  /** Orders sent between the crash and the restart. */
  during: Answers
  after: Answers
  /** From the restart of the process until it said it is ready. */
  ready_ms: number
  /** From the restart to the first completion of an order that was sent after it. */
  recovery_ms: number
  /** From the restart until the last order that was sent before it had come to its end. */
  backlog_gone_ms: number | null
  backlog_peak: number
  reserved: number
  failed: number
}

export function figuresOf({
  orders,
  moments,
  samples,
}: Pick<PartOutage, 'orders' | 'moments' | 'samples'>): OutageFigures {
  const { killedMs, restartedMs, readyMs, readyOrderDoneMs } = moments
  const between = (from: number, to: number) => orders.filter(({ sentMs }) => sentMs >= from && sentMs < to)
  const later = between(restartedMs, Infinity).filter(({ ended }) => isReserved(ended))
  const earlier = between(0, restartedMs)
  const lastOf = (traced: Traced[]) => Math.max(...traced.map(({ doneMs = 0 }) => doneMs))
  return {
    before: answersOf(between(0, killedMs)),
    during: answersOf(between(killedMs, restartedMs)),
    after: answersOf(between(restartedMs, Infinity)),
    ready_ms: readyMs - restartedMs,
    recovery_ms: Math.min(readyOrderDoneMs, ...later.map(({ doneMs = Infinity }) => doneMs)) - restartedMs,
    backlog_gone_ms: earlier.length === 0 ? null : Math.max(0, lastOf(earlier) - restartedMs),
    backlog_peak: Math.max(moments.waitingAtRestart, ...samples.map(({ waiting }) => waiting)),
    reserved: orders.filter(({ ended }) => isReserved(ended)).length,
    failed: orders.filter(({ ended }) => ended === 'failed').length,
  }
}

function answersOf(orders: Traced[]): Answers {
  const count = (outcome: Traced['outcome']) => orders.filter((order) => order.outcome === outcome).length
  const statuses = Object.groupBy(orders, ({ status }) => (status === undefined ? 'none' : String(status)))
  return {
    sent: orders.length,
    ok: count('ok'),
    rejected: count('rejected'),
    failed: count('failed'),
    unknown: count('unknown'),
    statuses: Object.fromEntries(
      Object.entries(statuses).map(([status, group]) => [status, group?.length ?? 0]),
    ),
  }
}

/** `90 × 503, 2 × no answer` */
export const describeAnswers = ({ statuses }: Answers): string =>
  Object.entries(statuses)
    .map(([status, count]) => `${count} × ${status === 'none' ? 'no answer' : status}`)
    .join(', ') || 'none'
