import type { Captured } from '../../probes/rabbit.ts'
import type { Finding } from '../finding.ts'
import type { Complaint } from '../http/judge.ts'
import { difference, stockAfter, unequal } from '../parts/account.ts'
import type { KnownEvent } from './case.ts'
import { CASE, type Numbered } from './draw.ts'
import type { QueueState } from './queue-state.ts'
import { QUEUES, type QueueSpec, rabbitOracle } from './rabbit-cases.ts'
import {
  type DeadLetter,
  distinct,
  eventsOf,
  reckonDeadLetters,
  reckonDecisions,
  reporter,
  type Sent,
} from './reckon.ts'

export interface QueueRun {
  target: string
  sent: Numbered[]
  letters: Captured[]
  /** What inventory published meanwhile; only looked at when its own queue was fuzzed. */
  decisions: Captured[]
  before: QueueState
  after: QueueState
}

/** A message may lead to two queues: each consumer judges it for itself, and what it refuses is a dead letter of its own. */
export function reckonQueue(spec: QueueSpec, run: QueueRun): Finding[] {
  const { target, sent, letters, before, after } = run
  const decisions = run.decisions.map(({ body }) => JSON.parse(body.toString()) as KnownEvent)
  const perQueue = new Map(QUEUES.map((queue) => [queue.queue, judged(queue, sent)]))
  const findings = [...perQueue].flatMap(([queue, judgedHere]) =>
    reckonDeadLetters(judgedHere, lettersOf(queue, letters), reporter(target)),
  )
  if (spec.queue === 'inventory_queue') {
    const decidedBefore = new Set(before.orders.map(({ order_id }) => order_id))
    findings.push(
      ...reckonDecisions(
        perQueue.get(spec.queue)!,
        { announced: decisions, decidedBefore },
        reporter(target),
      ),
    )
  }
  const reserved = distinct(decisions).filter(({ type }) => type === 'InventoryReserved')
  const notifiedNow = [...reserved, ...eventsOf(perQueue.get('notification_queue')!)].map(
    ({ data }) => data.order_id,
  )
  const complaints: Complaint[] = [
    ...unequal(
      'stock is moved by something else',
      stockAfter(
        before.stock,
        reserved.map(({ data }) => data),
      ),
      after.stock,
    ),
    ...unequal('orders have changed', before.orders, after.orders),
    ...difference('notifications', [...before.notified, ...notifiedNow], after.notified),
  ]
  return [...findings, ...complaints.map((complaint) => ({ target, ...complaint, count: 0 }))]
}

function judged(queue: QueueSpec, sent: Numbered[]): Sent[] {
  const judge = rabbitOracle(queue)
  return sent
    .filter(({ message }) => queue.keys.includes(message.key ?? ''))
    .map(({ at, message }) => ({ at, message, verdict: judge(message) }))
}

/** The queue itself may have dead-lettered one; then the broker says why. */
const lettersOf = (queue: string, letters: Captured[]): DeadLetter[] =>
  letters.flatMap(({ properties: { headers = {} } }) => {
    const origin = headers['x-origin-queue'] ?? headers['x-first-death-queue']
    return origin === queue ? [{ at: Number(headers[CASE]), reason: String(headers['x-reason'] ?? '') }] : []
  })
