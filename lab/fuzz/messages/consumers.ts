import { pause } from '@lab/kit/wait.ts'
import type fc from 'fast-check'
import type { PartClient } from '../../parts/client.ts'
import type { RunningTrio } from '../../trio.ts'
import { type FuzzOptions, numbersOf, sampleCase } from '../generate.ts'
import { type Complaint, findingsOn, headOf, Tally, type TargetResult } from '../results.ts'
import type { KnownEvent, MessageCase } from './cases.ts'

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
