import { setTimeout as sleep } from 'node:timers/promises'
import type fc from 'fast-check'
import type { PartClient } from '../../parts/client.ts'
import type { RunningTrio } from '../../trio.ts'
import type { FuzzOptions } from '../http/routes.ts'
import { type Finding, headOf, Tally, type TargetResult } from '../results.ts'
import { drawMessages, type MessageCase, type Numbered, type Verdict } from './cases.ts'

/** The consumers of one queue or topic, and what becomes of what is sent there. */
export interface Consumer {
  target: string
  messages: (ids: string[]) => fc.Arbitrary<MessageCase>
  /** What has to become of a message. */
  judge: (message: MessageCase) => Verdict
  /** Notes what is there before anything is sent. */
  open: (fuzz: MessageFuzz, signal: AbortSignal) => Promise<OpenConsumer>
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
  stuck: (sent: Numbered[]) => Promise<{ rule: string; detail: string }>
  /** Accounts for every message. */
  reckon: (sent: Numbered[]) => Promise<Finding[]>
}

/** Sends messages to one queue or topic, waits until its consumers have handled them, and accounts for every one. */
export async function fuzzConsumer(
  consumer: Consumer,
  fuzz: MessageFuzz,
  options: FuzzOptions,
): Promise<TargetResult> {
  const startedAt = performance.now()
  const { target } = consumer
  const { services } = fuzz.part
  const pids = services.map(({ pid }) => pid)
  await using opened = await consumer.open(fuzz, options.signal)
  const sent: Numbered[] = []
  for (const chunk of drawMessages(target, consumer.messages(fuzz.ids), options)) {
    options.signal.throwIfAborted()
    await opened.send(chunk)
    sent.push(...chunk)
    options.progress(`${target}: ${sent.length} of ${options.cases} sent`)
  }
  const hasDrained = await untilNone(() => opened.left(sent), {
    signal: options.signal,
    progress: (left) => options.progress(`${target}: ${left} left to handle`),
  })
  const lost = services.filter(({ pid }, at) => pid !== pids[at])
  const findings: Finding[] = lost.map(({ name }) => ({
    target,
    rule: 'the service ended',
    detail: name,
    count: 0,
  }))
  if (!hasDrained) findings.push({ target, ...(await opened.stuck(sent)), count: 0 })
  if (lost.length === 0) findings.push(...(await opened.reckon(sent)))
  return { target, ...talliesOf(consumer, sent), seconds: (performance.now() - startedAt) / 1_000, findings }
}

function talliesOf(
  { judge }: Consumer,
  sent: Numbered[],
): Pick<TargetResult, 'cases' | 'outcomes' | 'kinds'> {
  const [outcomes, kinds] = [new Tally(), new Tally()]
  for (const { message } of sent) {
    outcomes.add(judge(message).kind)
    kinds.add(headOf(message.kind))
  }
  return { cases: sent.length, outcomes: outcomes.counts, kinds: kinds.counts }
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
    await sleep(EVERY_MS, undefined, { signal }).catch(() => {
      // Aborted: the next turn throws the signal's own reason.
    })
  }
}
