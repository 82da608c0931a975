import type { Stock } from '@lab/common/domain/stock.ts'
import type { Complaint } from '../results.ts'
import { describeCase, type KnownEvent } from './cases.ts'
import type { Judge, Numbered } from './consumers.ts'

/** A message that was sent, and the event it is; poison is none. */
export interface Sent extends Numbered {
  event: KnownEvent | undefined
}

export const judged = (judge: Judge, sent: Numbered[]): Sent[] =>
  sent.map((one) => ({ ...one, event: judge(one.message) }))

/** A dead letter of the message with this number. */
export interface DeadLetter {
  at: number
  reason: string
}

/** A complaint about some of the messages; nothing when there are none. */
const complain = (rule: string, [first, ...others]: Sent[], detail = ''): Complaint[] => {
  if (!first) return []
  const { at, message } = first
  const repeat = describeCase(message)
  return [{ rule, detail, count: 1 + others.length, case: at, kind: message.kind, repeat }]
}

/** Poison has one dead letter each, with a reason; an event has none. */
export function reckonDeadLetters(sent: Sent[], letters: DeadLetter[]): Complaint[] {
  const byCase = Map.groupBy(letters, ({ at }) => at)
  const reasons = ({ at }: Sent) => (byCase.get(at) ?? []).map(({ reason }) => reason)
  const poison = (rule: string, isWrong: (reasons: string[]) => boolean) =>
    complain(
      rule,
      sent.filter((one) => !one.event && isWrong(reasons(one))),
    )
  const refused = sent.filter((one) => one.event && reasons(one).length > 0)
  return [
    ...poison('poison without a dead letter', (reasons) => reasons.length === 0),
    ...poison('poison with two dead letters', (reasons) => reasons.length > 1),
    ...poison('a dead letter without a reason', (reasons) => reasons.includes('')),
    ...complain('an event is dead-lettered', refused, refused[0] && reasons(refused[0])[0]),
  ]
}

interface Decisions {
  /** What the consumer announced. */
  announced: KnownEvent[]
  /** Orders that had their decision before. */
  decidedBefore: Set<string>
}

/** Each new order is decided once, for what one of its events asked; nothing else is decided. */
export function reckonDecisions(sent: Sent[], { announced, decidedBefore }: Decisions): Complaint[] {
  const asked = Map.groupBy(
    sent.filter(({ event }) => event && !decidedBefore.has(event.data.order_id)),
    ({ event }) => event!.data.order_id,
  )
  const decided = Map.groupBy(announced, ({ data }) => data.order_id.toLowerCase())
  const strange = [...decided.keys()].filter((id) => !asked.has(id))
  const order = (rule: string, isWrong: (decisions: KnownEvent[], candidates: Sent[]) => boolean) => {
    const wrong = [...asked].filter(([id, candidates]) => isWrong(decided.get(id) ?? [], candidates))
    return complain(
      rule,
      wrong.map(([, [first]]) => first!),
    )
  }
  return [
    ...order('an order without a decision', (decisions) => decisions.length === 0),
    ...order('an order decided twice', (decisions) => distinct(decisions).length > 1),
    ...order('a decision about something else', (decisions, candidates) =>
      decisions.some((decision) => !candidates.some(({ event }) => isAlike(event!, decision))),
    ),
    ...(strange.length === 0
      ? []
      : complain('a decision nobody asked for', sent.slice(0, 1), strange.slice(0, 3).join(', '))),
  ]
}

const isAlike = ({ data: a }: KnownEvent, { data: b }: KnownEvent) =>
  a.item === b.item && a.quantity === b.quantity

/** An announcement may come again, with its id: it is one decision all the same. */
const distinct = (events: KnownEvent[]): KnownEvent[] => [
  ...new Map(events.map((event) => [event.id, event])).values(),
]

/** The orders among these announcements whose stock was taken. */
export const reservedIn = (announced: KnownEvent[]): KnownEvent['data'][] =>
  distinct(announced)
    .filter(({ type }) => type === 'InventoryReserved')
    .map(({ data }) => data)

/** Stock moves for what was reserved, and for nothing else. */
export function reckonStock(before: Stock, announced: KnownEvent[], after: Stock): Complaint[] {
  const left = { ...before }
  for (const { item, quantity } of reservedIn(announced)) left[item] -= quantity
  return unequal('stock is moved by something else', left, after)
}

/** How two sets of ids differ, as a complaint; nothing when they do not. */
export function difference(what: string, promised: Iterable<string>, found: Iterable<string>): Complaint[] {
  const [wanted, there] = [idSet(promised), idSet(found)]
  return [
    ...some(`${what}: missing`, wanted.difference(there)),
    ...some(`${what}: nobody asked for`, there.difference(wanted)),
  ]
}

export const missing = (what: string, promised: Iterable<string>, found: Iterable<string>): Complaint[] =>
  some(`${what}: missing`, idSet(promised).difference(idSet(found)))

const idSet = (ids: Iterable<string>) => new Set([...ids].map((id) => id.toLowerCase()))
const some = (rule: string, ids: Set<string>) =>
  ids.size === 0 ? [] : [{ rule, detail: `${ids.size}, such as ${[...ids].slice(0, 3).join(', ')}` }]

export const unequal = (what: string, expected: unknown, found: unknown): Complaint[] => {
  const [wanted, there] = [JSON.stringify(expected), JSON.stringify(found)]
  return wanted === there ? [] : [{ rule: what, detail: `expected ${wanted}, found ${there}` }]
}
