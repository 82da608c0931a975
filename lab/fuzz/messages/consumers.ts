import type { Stock } from '@lab/common/domain/stock.ts'
import { pause } from '@lab/kit/wait.ts'
import type fc from 'fast-check'
import type { PartClient } from '../../parts/client.ts'
import type { RunningTrio } from '../../trio.ts'
import { type FuzzOptions, numbersOf, sampleCase } from '../generate.ts'
import { type Complaint, findingsOn, headOf, Tally, type TargetResult } from '../results.ts'
import { describeCase, type KnownEvent, type MessageCase } from './cases.ts'

/** The consumers of one queue or topic, and what becomes of what is sent there. */
export interface Consumer {
  target: string
  messages: (ids: string[]) => fc.Arbitrary<MessageCase>
  judge: Judge
  /** Notes what is there before anything is sent. */
  open: (fuzz: MessageFuzz, signal: AbortSignal) => Promise<OpenConsumer>
}

/** What must become of a message: the event it is, which has its effect once, or undefined for poison, which has none. */
export type Judge = (message: MessageCase) => KnownEvent | undefined

/** A message under the number of its case. */
export interface Numbered {
  at: number
  message: MessageCase
}

interface MessageFuzz {
  part: RunningTrio
  client: PartClient
  /** Orders that come again and again, some of them known. */
  ids: string[]
}

interface OpenConsumer extends AsyncDisposable {
  send: (messages: Numbered[]) => Promise<void>
  /** How many messages are still to be handled; 0 or less when none is. */
  left: (sent: Numbered[]) => Promise<number>
  /** What there is to say when they never are. */
  stuck: (sent: Numbered[]) => Promise<Complaint>
  /** Accounts for every message. */
  reckon: (sent: Numbered[]) => Promise<Complaint[]>
}

/** A whole run of them need not be in memory twice. */
const CHUNK = 250

/** Sends messages to one queue or topic, waits until its consumers have handled them, and accounts for every one. */
export async function fuzzConsumer(
  { target, messages, judge, open }: Consumer,
  fuzz: MessageFuzz,
  options: FuzzOptions,
): Promise<TargetResult> {
  const startedAt = performance.now()
  const { seed, signal, progress } = options
  const { services } = fuzz.part
  const pids = services.map(({ pid }) => pid)
  await using opened = await open(fuzz, signal)
  const cases = messages(fuzz.ids)
  const sent: Numbered[] = []
  const [outcomes, kinds] = [new Tally(), new Tally()]
  const numbers = numbersOf(options)
  for (let from = 0; from < numbers.length; from += CHUNK) {
    signal.throwIfAborted()
    const drawn = numbers.slice(from, from + CHUNK).map((at) => {
      return { at, message: sampleCase(cases, { seed, target, at }) }
    })
    await opened.send(drawn)
    for (const { message } of drawn) {
      outcomes.add(judge(message) ? 'event' : 'poison')
      kinds.add(headOf(message.kind))
    }
    sent.push(...drawn)
    progress(`${target}: ${sent.length} of ${options.cases} sent`)
  }
  const hasDrained = await untilNone(() => opened.left(sent), {
    signal,
    progress: (left) => progress(`${target}: ${left} left to handle`),
  })
  const lost = services.filter(({ pid }, at) => pid !== pids[at])
  const complaints: Complaint[] = lost.map(({ name }) => ({ rule: 'the service ended', detail: name }))
  if (!hasDrained) complaints.push(await opened.stuck(sent))
  if (lost.length === 0) complaints.push(...(await opened.reckon(sent)))
  return {
    target,
    cases: sent.length,
    outcomes: outcomes.counts,
    kinds: kinds.counts,
    seconds: (performance.now() - startedAt) / 1_000,
    findings: findingsOn(target, complaints),
  }
}

const EVERY_MS = 200
const STUCK_AFTER_MS = 45_000

/** Waits until none is left; false when their number has not moved for 45 s. */
async function untilNone(
  left: () => Promise<number>,
  { progress, signal }: { progress: (left: number) => void; signal: AbortSignal },
): Promise<boolean> {
  let last = -1
  let movedAt = performance.now()
  for (;;) {
    signal.throwIfAborted()
    const now = await left()
    if (now <= 0) return true
    if (now !== last) movedAt = performance.now()
    if (performance.now() - movedAt > STUCK_AFTER_MS) return false
    last = now
    progress(now)
    await pause(EVERY_MS, signal)
  }
}

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
