import type { Order } from '@lab/common/domain/order.ts'
import type { Stock } from '@lab/common/domain/stock.ts'
import type { Complaint } from '../http/judge.ts'
import type { Finding } from '../results.ts'
import { describeCase, type KnownEvent, type MessageCase, type Verdict } from './cases.ts'

/** A message that was sent, and what must become of it. */
export interface Sent {
  at: number
  message: MessageCase
  verdict: Verdict
}

/** A dead letter of the message with this number. */
export interface DeadLetter {
  at: number
  reason: string
}

type Report = (rule: string, cases: Sent[], detail?: string) => Finding[]

/** A finding about some of the messages; nothing when there are none. */
export const reporter =
  (target: string): Report =>
  (rule, cases, detail = '') => {
    const [first] = cases
    if (!first) return []
    const { at, message } = first
    return [
      {
        target,
        rule,
        detail,
        count: cases.length,
        case: at,
        kind: message.kind,
        repeat: describeCase(message),
      },
    ]
  }

/** Poison has one dead letter each, with a reason; an event has none. */
export function reckonDeadLetters(sent: Sent[], letters: DeadLetter[], report: Report): Finding[] {
  const byCase = Map.groupBy(letters, ({ at }) => at)
  const ofPoison = sent.filter(({ verdict }) => verdict.kind === 'poison')
  const ofEvents = sent.filter(({ verdict }) => verdict.kind === 'event')
  const reasons = (at: number) => (byCase.get(at) ?? []).map(({ reason }) => reason)
  return [
    ...report(
      'poison without a dead letter',
      ofPoison.filter(({ at }) => reasons(at).length === 0),
    ),
    ...report(
      'poison with two dead letters',
      ofPoison.filter(({ at }) => reasons(at).length > 1),
    ),
    ...report(
      'a dead letter without a reason',
      ofPoison.filter(({ at }) => reasons(at).includes('')),
    ),
    ...report(
      'an event is dead-lettered',
      ofEvents.filter(({ at }) => reasons(at).length > 0),
      reasons(ofEvents.find(({ at }) => reasons(at).length > 0)?.at ?? -1)[0],
    ),
  ]
}

export const eventsOf = (sent: Sent[]): KnownEvent[] =>
  sent.flatMap(({ verdict }) => (verdict.kind === 'event' ? [verdict.event] : []))

/** An announcement may come again, with its id: it is one decision all the same. */
export const distinct = (events: KnownEvent[]): KnownEvent[] => [
  ...new Map(events.map((event) => [event.id, event])).values(),
]

interface Decisions {
  /** What the consumer announced. */
  announced: KnownEvent[]
  /** Orders that had their decision before. */
  decidedBefore: Set<string>
}

/** Each new order is decided once, for what one of its events asked; nothing else is decided. */
export function reckonDecisions(
  sent: Sent[],
  { announced, decidedBefore }: Decisions,
  report: Report,
): Finding[] {
  const asked = Map.groupBy(
    sent.filter(({ verdict }) => verdict.kind === 'event'),
    ({ verdict }) => orderOf(verdict),
  )
  for (const known of decidedBefore) asked.delete(known)
  const decided = Map.groupBy(announced, ({ data }) => data.order_id.toLowerCase())
  const some = sent.slice(0, 1)
  const strange = [...decided.keys()].filter((id) => !asked.has(id))
  const firsts = (wrong: (decisions: KnownEvent[], candidates: Sent[]) => boolean) =>
    [...asked]
      .filter(([id, candidates]) => wrong(decided.get(id) ?? [], candidates))
      .map(([, [first]]) => first!)
  return [
    ...report(
      'an order without a decision',
      firsts((decisions) => decisions.length === 0),
    ),
    ...report(
      'an order decided twice',
      firsts((decisions) => new Set(decisions.map(({ id }) => id)).size > 1),
    ),
    ...report(
      'a decision about something else',
      firsts((decisions, candidates) =>
        decisions.some((decision) => !candidates.some(({ verdict }) => isAbout(verdict, decision))),
      ),
    ),
    ...(strange.length === 0
      ? []
      : report('a decision nobody asked for', some, strange.slice(0, 3).join(', '))),
  ]
}

const orderOf = (verdict: Verdict) => (verdict.kind === 'event' ? verdict.event.data.order_id : '')

const isAbout = (verdict: Verdict, { data }: KnownEvent) =>
  verdict.kind === 'event' &&
  verdict.event.data.item === data.item &&
  verdict.event.data.quantity === data.quantity

/** How two sets of ids differ, as a complaint; nothing when they do not. */
export function difference(what: string, promised: Iterable<string>, found: Iterable<string>): Complaint[] {
  const [wanted, there] = [idSet(promised), idSet(found)]
  const missing = [...wanted.difference(there)]
  const strange = [...there.difference(wanted)]
  return [
    ...(missing.length > 0 ? [{ rule: `${what}: missing`, detail: some(missing) }] : []),
    ...(strange.length > 0 ? [{ rule: `${what}: nobody asked for`, detail: some(strange) }] : []),
  ]
}

const idSet = (ids: Iterable<string>) => new Set([...ids].map((id) => id.toLowerCase()))
const some = (ids: string[]) => `${ids.length}, such as ${ids.slice(0, 3).join(', ')}`

export const unequal = (what: string, expected: unknown, found: unknown): Complaint[] => {
  const [wanted, there] = [JSON.stringify(expected), JSON.stringify(found)]
  return wanted === there ? [] : [{ rule: what, detail: `expected ${wanted}, found ${there}` }]
}

/** What is left of `initial` after all of these. */
export function stockAfter(initial: Stock, taken: Iterable<Pick<Order, 'item' | 'quantity'>>): Stock {
  const left = { ...initial }
  for (const { item, quantity } of taken) left[item] -= quantity
  return left
}
